using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models.Gguf;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Files;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl model</c>: what a model is, what it is made of, what can be done with it.</summary>
internal static class ModelCommand
{
    private const int TensorsShown = 12;

    public static Command Create(CliHost host)
    {
        var folder = new Argument<string?>("PATH") { Description = "A Hugging Face folder, a GGUF file or an ONNX file. Default: the small model that comes with the tool.", Arity = ArgumentArity.ZeroOrOne };
        // The other commands' way to say it.
        var model = new ModelSource().Folder;
        model.Hidden = true;
        var json = new Option<bool>("--json") { Description = "Write one JSON object." };
        var export = new Option<string?>("--export") { HelpName = "FILE", Description = "Write every tensor of a GGUF file, decoded to float32, to a safetensors file, and show nothing. The file need not hold a model." };
        var all = new Option<bool>("--all") { Description = "Show all tensors." };

        var command = new ExplainedCommand("model",
            "Shows what a model is, and what can be done with it.",
            "Shown are family, configuration, parameters, tensors (as they are kept in memory), the SHA-256 of the files, and which analyses and sites the model has and lacks.",
            ("icl model models/gpt2", "All about a folder."),
            ("icl model --json models/gpt2 | jq .parameters", "One number of it."),
            ("icl model models/llama.gguf --export llama.safetensors", "Its tensors, decoded, for any other program."))
        { folder, model, json, all, export };
        command.Validators.Add(result =>
        {
            if (result.GetResult(folder) is { Tokens.Count: > 0 } && result.GetValue(model) is not null) result.AddError("Name the model once: icl model PATH.");
        });
        command.SetAction(parsed =>
        {
            string? path = parsed.GetValue(folder) ?? parsed.GetValue(model);
            if (parsed.GetValue(export) is { } target)
            {
                Export(host, path, target);
                return ExitCode.Done;
            }
            var description = ModelDescription.Of(path);
            if (parsed.GetValue(json)) host.Output.WriteLine(JsonText.Write(description.WriteJson, indented: true));
            else WriteText(host, description, parsed.GetValue(all));
            return ExitCode.Done;
        });
        return command;
    }

    private static void Export(CliHost host, string? path, string target)
    {
        OutputFile.Check(target);
        if (target == OutputFile.StandardOutput) throw new InputException("--export needs a file.");
        if (path is null || Directory.Exists(path)) throw new InputException($"--export decodes a GGUF file; {(path is null ? "none is named" : $"'{path}' is a folder")}.");
        using var file = GgufFile.Open(path);
        // A target that is the source would cut the file from under its map.
        if (Path.GetFullPath(path) == Path.GetFullPath(target)) throw new InputException("--export cannot write over the file that it reads.");
        AtomicFile.Replace(target, temporary => ProgressDisplay.Run(host, "Decoding", progress =>
        {
            file.ExportSafetensors(temporary, progress, host.Cancellation);
            return 0;
        }), host.Cancellation);
        host.Error.WriteLine($"Wrote {Numbers.Count(file.Tensors.Count)} tensors to {target}.");
    }

    private static void WriteText(CliHost host, ModelDescription description, bool all)
    {
        var output = host.Output;
        foreach (var (name, value) in description.Facts) output.WriteLine($"{name,-22}  {value}");

        output.WriteLine();
        output.WriteLine("What can be done with it");
        foreach (var ability in description.Abilities)
            Terminal.WriteText(output, host.Width, $"{(ability.Can ? "yes" : "no"),-4}{ability.What}{(ability.Why is null ? "" : $": {ability.Why}")}", indent: 4);

        if (description.Files.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Files (SHA-256, bytes)");
            foreach (var file in description.Files)
            {
                output.WriteLine($"  {file.Name}  {Numbers.Count(file.Length)}");
                output.WriteLine($"    {file.Sha256}");
            }
        }
        output.WriteLine();
        output.WriteLine($"{description.Tensors.Count} tensors");
        Terminal.WriteTable(host, [("name", false), ("type", false), ("shape", false)],
            description.Tensors.Take(all ? int.MaxValue : TensorsShown).Select(t => ((IReadOnlyList<string>)[t.Name, t.Type, $"[{string.Join(", ", t.Shape)}]"], false)));
        if (!all && description.Tensors.Count > TensorsShown) output.WriteLine($"{description.Tensors.Count - TensorsShown} more: --all");
    }
}

using System.CommandLine;
using System.Text.Json;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl onnx</c>: changes of ONNX files for stock runtimes.</summary>
internal static class OnnxCommand
{
    public static Command Create(CliHost host) => new("onnx", "Changes ONNX files for stock runtimes.") { CreateExpose(host) };

    private static ExplainedCommand CreateExpose(CliHost host)
    {
        var input = new Argument<string>("IN") { Description = "An ONNX file of a model with attention." };
        var output = new Argument<string>("OUT") { Description = "The file to write." };
        var json = new Option<bool>("--json") { Description = "Write what was found as one JSON object." };
        var command = new ExplainedCommand("expose",
            "Writes a copy of an ONNX file whose attention weights are outputs, too.",
            "They are found by the shape of the graph, so that the model need not be exported again; the outputs of the file stay, and come first. Any runtime can use the result, ML.NET's ApplyOnnxModel for one.",
            ("icl onnx expose model.onnx with-attention.onnx", "Shows, layer by layer, the node and the output."))
        { input, output, json };
        command.SetAction(parsed =>
        {
            string source = parsed.GetRequiredValue(input), target = parsed.GetRequiredValue(output);
            OutputFile.Check(target);
            if (target == OutputFile.StandardOutput) throw new InputException("OUT must be a file.");
            if (!File.Exists(source)) throw new InputException($"There is no file '{source}'.");
            var found = OnnxFile.ExposeAttention(source, target);
            if (parsed.GetValue(json)) host.Output.WriteLine(JsonText.Write(json => WriteJson(json, found), indented: true));
            else Terminal.WriteTable(host, [("layer", true), ("node", false), ("output", false)], found.Select(f => ((IReadOnlyList<string>)[Invariant($"{f.Layer}"), f.Node, f.Output], false)));
            host.Error.WriteLine(Invariant($"Wrote {target}: {found.Count} {(found.Count == 1 ? "layer" : "layers")} of attention."));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteJson(Utf8JsonWriter json, IReadOnlyList<ExposedAttention> found)
    {
        json.WriteStartObject();
        json.WriteStartArray("attention");
        foreach (var layer in found)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Layer);
            json.WriteString("node", layer.Node);
            json.WriteString("output", layer.Output);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

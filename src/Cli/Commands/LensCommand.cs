using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Interventions;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl lens</c>: what a model would predict after each block, and which parts write its prediction.</summary>
internal static class LensCommand
{
    public static Command Create(CliHost host)
    {
        var model = new ModelSource();
        var text = new Argument<string?>("TEXT") { Description = "The prompt, if --tokens is not given. Put -- before a text that starts with a dash.", Arity = ArgumentArity.ZeroOrOne };
        var tokens = new Option<string?>("--tokens") { HelpName = "FILE.json", Description = "The prompt as ids: a JSON array that holds one array." };
        var answers = new AnswerOptions("the model's best token, or the next best where the other one is named");
        var freezeScale = new Option<bool>("--freeze-scale") { Description = "Let the lens divide by the final norm's scale at the end of the run, not by each stream's own." };
        var best = WholeNumber.Option("--top", "N", 1, 5, "How many of the best tokens are read after each block.");
        var all = new Option<bool>("--all") { Description = "Show all parts in the table, not the largest alone." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("lens",
            "Logit lens and direct logit attribution at the end of a prompt.",
            "The lens reads the residual stream after each block by the final norm and the unembedding, as if it were the last: best tokens, and probability and rank of answer and foil. "
                + "Direct logit attribution splits logit(answer) - logit(foil) into what the embedding, every head and every MLP write to it. The prompt gets the special tokens that the tokenizer adds by itself.",
            ("icl lens --model models/gpt2 \"The capital of France is\"", "The two best tokens, layer by layer."),
            ("icl lens --model models/gpt2 \"The capital of France is\" --answer \" Paris\" --foil \" Rome\" --html lens.html", "Two tokens of your choice, as a report."),
            ("icl lens \"abcdefgh abcde\" --json -", "All numbers, of the model that comes with the tool."))
        { text, tokens, freezeScale, best, all };
        foreach (var option in answers.Options.Concat(targets.Options).Concat(model.Options)) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(text) is null or { Tokens.Count: 0 } == (result.GetValue(tokens) is null)) result.AddError("Give either TEXT or --tokens FILE.json.");
        });
        command.Validators.Add(answers.Validate);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            var rows = parsed.GetValue(tokens) is { } file ? TokenFile.Read(file) : null;
            if (rows is { Count: > 1 }) throw new InputException(Invariant($"The lens reads one prompt, but '{parsed.GetValue(tokens)}' has {rows.Count} rows."));
            using var loaded = model.Load(parsed);
            var reader = new PromptReader(loaded);
            int[] prompt = rows is null ? reader.Prompt(parsed.GetValue(text)!, "prompt") : reader.Prompt(rows.Rows[0], "prompt");
            var named = answers.Read(parsed, reader);
            var study = ProgressDisplay.Run(host, "Reading", progress =>
                Run(loaded, reader, prompt, named, parsed.GetValue(freezeScale), parsed.GetValue(best) ?? 5, progress, host.Cancellation));
            targets.Write(host, parsed, () => LensReport.Of(study), stream => LensJson.Write(study, stream), () => LensTable.Write(host, study, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }

    private static LensStudy Run(
        LanguageModel model, PromptReader reader, int[] prompt, (int? Answer, int? Foil) named, bool freezeScale, int best, IProgress<double> progress, CancellationToken cancellation)
    {
        var (answer, foil) = Choose(model, prompt, named, cancellation);
        progress.Report(1 / 3.0);
        var lines = LogitLens.Lines(model, prompt, [answer, foil], Math.Min(best, model.Config.Vocabulary), freezeScale, cancellation);
        progress.Report(2 / 3.0);
        var attribution = DirectLogitAttribution.Compute(model, new TokenBatch([prompt]), answer, foil, cancellation);
        progress.Report(1);
        return new LensStudy
        {
            Model = model.Name,
            Tokens = reader.Labels(prompt),
            Answer = reader.Label(answer),
            Foil = reader.Label(foil),
            FreezeScale = freezeScale,
            Lines = lines,
            Names = lines.SelectMany(l => l.Best).Select(t => t.Id).Distinct().ToDictionary(id => id, reader.Label),
            Attribution = attribution,
        };
    }

    /// <summary>Answer and foil: those named, and the model's own best tokens in place of others.</summary>
    private static (int Answer, int Foil) Choose(LanguageModel model, int[] prompt, (int? Answer, int? Foil) named, CancellationToken cancellation)
    {
        if (named is ({ } answer, { } foil))
            return answer != foil ? (answer, foil) : throw new InputException("Answer and foil are the same token, so that their logits never differ. Give another foil.");
        if (model.Config.Vocabulary < 2) throw new InputException("The vocabulary has one token alone: there is no foil.");
        int[] best = [.. LogitLens.Lines(model, prompt, [], 2, cancellationToken: cancellation)[^1].Best.Select(t => t.Id)];
        int Next(int? other) => best[0] == other ? best[1] : best[0];
        return named switch
        {
            ({ } a, null) => (a, Next(a)),
            (null, { } f) => (Next(f), f),
            _ => (best[0], best[1]),
        };
    }
}

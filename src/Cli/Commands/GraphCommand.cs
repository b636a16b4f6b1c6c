using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.CausalGraphs;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl graph</c>: which positions of rows of one's own decide which.</summary>
internal static class GraphCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new CausalGraphLearningOptions();
        var file = new Option<string>("--tokens") { HelpName = "FILE.json", Required = true, Description = "A JSON array of arrays of token ids, all of one length of 2 to 64." };
        var model = new Option<string?>("--model", "-m") { HelpName = "PATH", Description = "Read this model's attention instead of training on the rows: a Hugging Face folder, a GGUF file or an ONNX file." };
        var heads = new Option<HeadId[]>("--heads") { HelpName = "L0.H1,…", Description = "Heads of --model. Default: those of the first layer.", CustomParser = AblateCommand.ParseHeads };
        var threshold = DecimalNumber.Option("--threshold", "A", 0.001, 1, defaults.Threshold, "The least attention of an edge. Positions with several parents share it among them.");
        var alpha = DecimalNumber.Option("--alpha", "A", 0.0001, 0.9999, defaults.Alpha, "False discovery rate of positions with parents.");
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Steps of a training.");
        var starts = WholeNumber.Option("--starts", "N", 1, defaults.Starts, "Short trainings, of which the best decides where the long one starts.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of everything random.");
        var dot = new DotTarget();
        var targets = new ReportTargets();

        var command = new ExplainedCommand("graph",
            "Which positions of your own rows decide which.",
            "Trains attention over earlier positions to predict each token of the rows, and reads it as a graph: an edge from the threshold on, where held-out rows are predicted better with it. Takes rows that share one kernel, "
                + "and rows that each have their own. With --model the attention of a model's heads is read instead, which is no evidence by itself.",
            ("icl graph --tokens rows.json", "Learn a graph from rows."),
            ("icl graph --tokens rows.json --html graph.html --dot graph.dot", "The same as a report and for Graphviz."))
        { file, model, heads, threshold, alpha, steps, starts, seed, dot.Option };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            bool given = result.GetResult(model) is { Implicit: false };
            if (!given && result.GetResult(heads) is { Implicit: false }) result.AddError("--heads are those of --model, which is missing.");
            foreach (Option other in new Option[] { alpha, steps, starts, seed })
                if (given && result.GetResult(other) is { Implicit: false }) result.AddError($"{other.Name} is of a training, and nothing is trained with --model.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            dot.Check(parsed);
            string path = parsed.GetValue(file)!;
            var rows = Rows(TokenFile.Read(path), path);
            var reading = parsed.GetValue(model) is { } folder ? ReadModel(host, folder, rows, parsed.GetValue(heads), parsed.GetValue(threshold) ?? defaults.Threshold) : Learn(host, rows, path, defaults with
            {
                Threshold = parsed.GetValue(threshold) ?? defaults.Threshold,
                Alpha = parsed.GetValue(alpha) ?? defaults.Alpha,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                Starts = parsed.GetValue(starts) ?? defaults.Starts,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
            });
            dot.Write(host, parsed, () => CausalGraphDot.ToText(reading.Map, reading.Graph));
            targets.Write(host, parsed, () => CausalGraphReadingReport.Of(reading), stream => CausalGraphReadingJson.Write(reading, stream), () => WriteTable(host, reading));
            return ExitCode.Done;
        });
        return command;
    }

    private static int[][] Rows(TokenBatch tokens, string path)
    {
        int[][] rows = [.. Enumerable.Range(0, tokens.Count).Select(i => tokens[i].ToArray())];
        int other = Array.FindIndex(rows, row => row.Length != rows[0].Length);
        return other < 0 ? rows : throw new InputException(Invariant($"Token file '{path}': row {other} has {rows[other].Length} tokens and row 0 has {rows[0].Length}. Expected rows of one length, as positions are what a graph is over."));
    }

    private static CausalGraphReading Learn(CliHost host, int[][] rows, string path, CausalGraphLearningOptions options)
    {
        try
        {
            return ProgressDisplay.Run(host, "Training", progress => CausalGraphLearner.Learn(rows, null, options, progress, host.Cancellation)).Reading;
        }
        catch (ArgumentException error)
        {
            throw new InputException($"Token file '{path}': {error.Message}", error);
        }
    }

    private static CausalGraphReading ReadModel(CliHost host, string folder, int[][] rows, HeadId[]? heads, double threshold)
    {
        using var loaded = ModelSource.Load(folder, new LoadOptions { Tokenizer = false });
        return ProgressDisplay.Run(host, "Reading attention", progress => AttentionGraphReader.Read(loaded, rows, heads is { Length: > 0 } ? [.. heads.Distinct()] : null, threshold, progress, host.Cancellation)).Reading;
    }

    private static void WriteTable(CliHost host, CausalGraphReading reading)
    {
        Terminal.WriteText(host.Output, host.Width, CausalGraphReadingReport.Summary(reading));
        host.Output.WriteLine();
        var evidence = reading.Evidence.ToDictionary(e => e.Child);
        Terminal.WriteTable(host, [("position", true), ("parents", false), ("attends most to", true), ("attention", true), ("gain, nats", true), ("q", true)],
            Enumerable.Range(1, reading.Length - 1).Select(child => (((IReadOnlyList<string>)
            [
                Invariant($"{child}"), CausalGraphWords.Parents(reading.Graph.Parents[child]), Invariant($"{reading.Map.LargestParent(child)}"), Numbers.Score(reading.Map[child, reading.Map.LargestParent(child)]),
                evidence.TryGetValue(child, out var of) ? CausalGraphWords.Of(of.Gain) : Numbers.Missing, evidence.TryGetValue(child, out of) ? Numbers.Probability(of.Q) : Numbers.Missing,
            ]), reading.Graph.Parents[child].Count > 0)));
    }
}

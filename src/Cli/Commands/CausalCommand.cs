using System.CommandLine;
using System.Globalization;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports.CausalGraphs;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl causal</c>: whether a transformer learns which positions decide which.</summary>
internal static class CausalCommand
{
    private static readonly Dictionary<string, CausalGraphKind> Kinds = Enum.GetValues<CausalGraphKind>().ToDictionary(CausalGraphWords.Of);
    private static readonly Dictionary<string, CausalGraphVariable> Variables = Enum.GetValues<CausalGraphVariable>().ToDictionary(CausalGraphWords.Of);

    public static Command Create(CliHost host)
    {
        var defaults = new CausalGraphOptions();
        var kind = new Option<string?>("--graph") { HelpName = "KIND", Description = $"The graph: {string.Join(", ", Kinds.Keys)}. Default: chain." };
        kind.AcceptOnlyFromAmong([.. Kinds.Keys]);
        var given = new Option<string?>("--edges") { HelpName = "LIST", Description = "A graph of your own instead, as the parents of positions 0, 1, …: -,0,0,1+2 (a dash for a root; positions that are left out are roots)." };
        var length = WholeNumber.Option("--length", "T", 3, defaults.Length, "Positions of a row.");
        var vocabulary = WholeNumber.Option("--vocabulary", "S", 2, defaults.Vocabulary, "Tokens.");
        var parents = WholeNumber.Option("--parents", "N", 2, defaults.Parents, "Parents of a position with --graph parents.");
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Training steps.");
        var seeds = WholeNumber.Option("--seeds", "N", 1, defaults.Seeds, "Models trained, each with its own data, and its own graph where that is random.");
        var batch = WholeNumber.Option("--batch", "N", 1, defaults.BatchRows, "Rows of a step.");
        var rows = WholeNumber.Option("--rows", "N", 1, null, "Rows that training has in all. Default: fresh ones at every step.");
        var heads = WholeNumber.Option("--heads", "N", 1, null, "Heads of the first layer. Default: as many as a position has parents at most.");
        var alpha = DecimalNumber.Option("--alpha", "A", 0.001, 1000, defaults.Alpha, "Concentration of kernels: large ones make children depend less on their parents.");
        var faithfulness = DecimalNumber.Option("--faithfulness", "F", 0, 1, defaults.Faithfulness, "Share of each kernel that depends on the parents.");
        var threshold = DecimalNumber.Option("--threshold", "A", 0.001, 1, defaults.Threshold, "The least attention of an edge.");
        var sweep = new Option<string?>("--sweep") { HelpName = "NAME", Description = $"Vary one setting, all else equal: {string.Join(", ", Variables.Keys)}." };
        sweep.AcceptOnlyFromAmong([.. Variables.Keys]);
        var values = new Option<double[]>("--values") { HelpName = "V", AllowMultipleArgumentsPerToken = true, Description = "The values of --sweep, ascending. Default: the usual ones." };
        var checkpoints = new Option<string?>("--checkpoints") { HelpName = "FOLDER", Description = "Keep each run's state here; an interrupted run goes on from it." };
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of graphs, data, weights and intervals.");
        var dot = new DotTarget();
        var targets = new ReportTargets();

        var command = new ExplainedCommand("causal",
            "Whether a transformer learns which positions of a sequence decide which.",
            "Trains two-layer disentangled transformers to predict sequences in which each position follows its parents in a graph, by a kernel that is another one in each row. The graph is read from the attention of the first "
                + "layer: an edge from the threshold on, else a root. Metrics: attention of children to parents, positions whose parents are right, structural Hamming distance (SHD), precision, recall, AUROC.",
            ("icl causal", "A chain of 10 positions."),
            ("icl causal --graph random --seeds 10 --html causal.html --dot causal.dot", "Ten random graphs, as a report and for Graphviz."),
            ("icl causal --sweep faithfulness --steps 4096 --seeds 3", "How learning depends on how much children depend on their parents."))
        { kind, given, length, vocabulary, parents, steps, seeds, batch, rows, heads, alpha, faithfulness, threshold, sweep, values, checkpoints, seed, dot.Option };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(given) is { Implicit: false } && result.GetResult(kind) is { Implicit: false }) result.AddError("--edges is a graph of your own, so that --graph has no meaning with it.");
            if (result.GetResult(values) is { Implicit: false } && result.GetResult(sweep) is null) result.AddError("--values are those of --sweep, which is missing.");
            if (result.GetResult(sweep) is { Implicit: false })
                foreach (Option other in new Option[] { dot.Option, checkpoints })
                    if (result.GetResult(other) is { Implicit: false }) result.AddError($"{other.Name} is for one setting, not for --sweep.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFolder(parsed, checkpoints);
            dot.Check(parsed);
            int positions = parsed.GetValue(length) ?? defaults.Length;
            var options = defaults with
            {
                Kind = parsed.GetValue(kind) is { } name ? Kinds[name] : defaults.Kind,
                Graph = parsed.GetValue(given) is { } list ? ReadGraph(list, positions) : null,
                Length = positions,
                Vocabulary = parsed.GetValue(vocabulary) ?? defaults.Vocabulary,
                Parents = parsed.GetValue(parents) ?? defaults.Parents,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                BatchRows = parsed.GetValue(batch) ?? defaults.BatchRows,
                TrainingRows = parsed.GetValue(rows),
                Heads = parsed.GetValue(heads),
                Alpha = parsed.GetValue(alpha) ?? defaults.Alpha,
                Faithfulness = parsed.GetValue(faithfulness) ?? defaults.Faithfulness,
                Threshold = parsed.GetValue(threshold) ?? defaults.Threshold,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                CheckpointFolder = parsed.GetValue(checkpoints),
            };
            if (parsed.GetValue(sweep) is { } variable)
            {
                var swept = ProgressDisplay.Run(host, "Training", progress =>
                    CausalGraphSweep.Run(Variables[variable], parsed.GetValue(values) is { Length: > 0 } chosen ? chosen : null, options, progress, host.Cancellation));
                targets.Write(host, parsed, () => CausalGraphReport.Of(swept), stream => CausalGraphJson.Write(swept, stream), () => CausalTable.Write(host, swept));
                return ExitCode.Done;
            }
            var result = ProgressDisplay.Run(host, "Training", progress => CausalGraphProbe.Run(options, progress, host.Cancellation));
            dot.Write(host, parsed, () => CausalGraphDot.ToText(result));
            targets.Write(host, parsed, () => CausalGraphReport.Of(result), stream => CausalGraphJson.Write(result, stream), () => CausalTable.Write(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static CausalGraph ReadGraph(string list, int length)
    {
        string[] positions = list.Split(',', StringSplitOptions.TrimEntries);
        if (positions.Length > length) throw new InputException(string.Create(CultureInfo.InvariantCulture, $"--edges names {positions.Length} positions, but rows have {length}; see --length."));
        try
        {
            return new(Enumerable.Range(0, length).Select(i => (IReadOnlyList<int>)(i >= positions.Length || positions[i] == "-" ? []
                : [.. positions[i].Split('+').Select(parent => int.Parse(parent, NumberStyles.None, CultureInfo.InvariantCulture))])).ToArray());
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            throw new InputException($"--edges takes the parents of each position, all of them earlier, as -,0,0,1+2; got '{list}'.");
        }
    }
}

using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Circuits;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl circuit</c>: the part of a model that carries copying, or the answer to a prompt, as a graph with its evidence.</summary>
internal static class CircuitCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new CircuitOptions();
        var model = new ModelSource();
        var rows = new RowOptions("Trace copying on these rows, which must repeat, and not on generated ones.", CircuitTracer.DefaultSequences, $"{CircuitTracer.DefaultPeriod}", repeats: 2, "; tests need 16 or more", fixedRepeats: true);
        var prompts = new PairOptions();
        var threshold = DecimalNumber.Option("--threshold", "SHARE", 0, 1, defaults.Threshold, "The least effect of an edge, as a share of clean minus corrupted.");
        var alpha = DecimalNumber.Option("--alpha", "P", 0, 1, defaults.Alpha, "The level of the tests; above 0 and below 1.");
        var least = DecimalNumber.Option("--least-difference", "LOGITS", 0, double.MaxValue, defaults.LeastDifference, "The least difference between clean and corrupted rows that is traced.");
        var patched = WholeNumber.Option("--max-patched-edges", "N", 1, defaults.MaxPatchedEdges, "The most edges that are patched at one step; an estimate chooses among more.");
        var random = WholeNumber.Option("--random-circuits", "N", 0, defaults.RandomCircuits, "Random circuits of as many edges, as a control.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of sequences, tests, intervals and random circuits.");
        var resume = ResumeOption.Create();
        var dot = new DotTarget();
        var all = new Option<bool>("--all") { Description = "Show all edges in the table, not the largest alone." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("circuit",
            "Traces the circuit behind copying, or behind the answer to a prompt.",
            "From the logits back, edges are patched one by one: an edge belongs to the circuit if the metric falls when it alone carries the value of the corrupted run. Its effect is a share of clean minus corrupted. "
                + "Without a prompt pair the metric is copying on repeated sequences, against unrelated rows. Faithfulness: what the circuit keeps when all other edges are corrupted; completeness: what is lost without it; "
                + "minimality: what its least needed edge adds; and random circuits of equal size beside it.",
            ("icl circuit --model models/gpt2 --html circuit.html --dot circuit.dot", "How the model copies, as a report and for Graphviz."),
            ("icl circuit --model models/gpt2 --pair pair.json --json -", "The circuit behind one answer, without intervals; behind several, with them, where the file is an array of pairs."))
        { threshold, alpha, least, patched, random, seed, resume, dot.Option, all };
        foreach (var option in rows.Options.Concat(prompts.Options).Concat(targets.Options).Concat(model.Options)) command.Add(option);
        command.Validators.Add(rows.Validate);
        command.Validators.Add(result =>
        {
            if (!prompts.IsGiven(result)) return;
            prompts.Validate(result);
            if (rows.IsGiven(result)) result.AddError("A prompt pair is traced by itself; leave out what names or shapes rows (--tokens, --sequences, --period).");
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(alpha) is 0 or 1) result.AddError("--alpha takes a level above 0 and below 1.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFile(parsed, resume);
            dot.Check(parsed);
            var options = defaults with
            {
                Threshold = parsed.GetValue(threshold) ?? defaults.Threshold,
                Alpha = parsed.GetValue(alpha) ?? defaults.Alpha,
                LeastDifference = parsed.GetValue(least) ?? defaults.LeastDifference,
                MaxPatchedEdges = parsed.GetValue(patched) ?? defaults.MaxPatchedEdges,
                RandomCircuits = parsed.GetValue(random) ?? defaults.RandomCircuits,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                ResultsFile = parsed.GetValue(resume),
            };
            var given = rows.File(parsed) is { } file ? TokenFile.Read(file) : null;
            using var loaded = model.Load(parsed);
            var (circuit, pair) = prompts.IsGiven(parsed.CommandResult)
                ? OfPair(host, loaded, prompts, parsed, options)
                : (OfCopying(host, loaded, given, rows.Shape(parsed), options), null);
            dot.Write(host, parsed, () => CircuitDot.ToText(circuit));
            targets.Write(host, parsed, () => CircuitReport.Of(circuit, pair), stream => CircuitJson.Write(circuit, pair, stream), () => CircuitTable.Write(host, circuit, pair, parsed.GetValue(all)));
            return ExitCode.Done;
        });
        return command;
    }

    private static Circuit OfCopying(CliHost host, LanguageModel model, TokenBatch? given, (int Sequences, int? Period, int Repeats) shape, CircuitOptions options)
    {
        given?.Validate(model.Config);
        var sequences = given is null
            ? CircuitTracer.Draw(model, shape.Sequences, shape.Period, options.Seed)
            : RepeatedSequences.FromRows(model, given, options.Seed)
                ?? throw new InputException("The rows do not all repeat in one and the same way, so there is no copying to trace. Give rows of BOS and a period of tokens that stands there at least twice, or a prompt pair.");
        return ProgressDisplay.Run(host, "Tracing", progress => CircuitTracer.TraceCopying(model, sequences, options, progress, host.Cancellation));
    }

    private static (Circuit, CircuitPrompts?) OfPair(CliHost host, LanguageModel model, PairOptions prompts, ParseResult parsed, CircuitOptions options)
    {
        var reader = new PromptReader(model);
        var pairs = prompts.ReadAll(parsed, reader);
        var circuit = ProgressDisplay.Run(host, "Tracing", progress => CircuitTracer.Trace(
            model, new TokenBatch([.. pairs.Select(p => p.Clean)]), new TokenBatch([.. pairs.Select(p => p.Corrupted)]),
            PatchMetric.LogitDifference([.. pairs.Select(p => p.Answer)], [.. pairs.Select(p => p.Foil)]), options, progress, host.Cancellation));
        return (circuit, new CircuitPrompts(reader.Tokens(pairs)));
    }
}

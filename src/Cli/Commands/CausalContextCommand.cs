using System.CommandLine;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.CausalGraphs;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl causal-context</c>: whether a transformer infers a graph from examples in its prompt.</summary>
internal static class CausalContextCommand
{
    public static Command Create(CliHost host)
    {
        var defaults = new InContextGraphOptions();
        var examples = WholeNumber.Option("--examples", "L", 1, defaults.Examples, "Example sequences in a prompt.");
        var length = WholeNumber.Option("--length", "T", 3, defaults.Length, "Positions of a sequence.");
        var vocabulary = WholeNumber.Option("--vocabulary", "S", 2, defaults.Vocabulary, "Tokens.");
        var alpha = DecimalNumber.Option("--alpha", "A", 0.01, 100, defaults.Alpha, "Concentration of the kernel: large ones make parents harder to tell.");
        var steps = WholeNumber.Option("--steps", "N", 1, defaults.Steps, "Training steps.");
        var batch = WholeNumber.Option("--batch", "N", 1, defaults.BatchPrompts, "Prompts of a step.");
        var layers = WholeNumber.Option("--layers", "N", 1, defaults.Layers, "Layers of the decoder.");
        var width = WholeNumber.Option("--width", "N", 16, defaults.DModel, "Width of the decoder, a multiple of 8.");
        var seeds = WholeNumber.Option("--seeds", "N", 1, defaults.Seeds, "Models trained, each with a kernel of its own.");
        var prompts = WholeNumber.Option("--prompts", "N", 16, defaults.TestPrompts, "Fresh prompts that are measured on.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, defaults.Seed, "Seed of kernels, prompts, weights and intervals.");
        var checkpoints = new Option<string?>("--checkpoints") { HelpName = "FOLDER", Description = "Keep each run's state here; an interrupted run goes on from it." };
        var targets = new ReportTargets();

        var command = new ExplainedCommand("causal-context",
            "Whether a transformer infers a causal graph from examples in its prompt.",
            "Trains small decoders on prompts of sequences that follow one graph, another one in each prompt, by a kernel that is always the same. Their predictions are held against Bayesian model averaging over the graph, "
                + "the best that can be done, and against an oracle that knows the graph and a mixture that ignores the examples.",
            ("icl causal-context", "Eight examples of four positions, three models; about two minutes."),
            ("icl causal-context --examples 16 --seeds 1 --html context.html", "More examples, as a report."))
        { examples, length, vocabulary, alpha, steps, batch, layers, width, seeds, prompts, seed, checkpoints };
        foreach (var option in targets.Options) command.Add(option);
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            OutputFile.CheckFolder(parsed, checkpoints);
            var options = defaults with
            {
                Examples = parsed.GetValue(examples) ?? defaults.Examples,
                Length = parsed.GetValue(length) ?? defaults.Length,
                Vocabulary = parsed.GetValue(vocabulary) ?? defaults.Vocabulary,
                Alpha = parsed.GetValue(alpha) ?? defaults.Alpha,
                Steps = parsed.GetValue(steps) ?? defaults.Steps,
                BatchPrompts = parsed.GetValue(batch) ?? defaults.BatchPrompts,
                Layers = parsed.GetValue(layers) ?? defaults.Layers,
                DModel = parsed.GetValue(width) ?? defaults.DModel,
                Seeds = parsed.GetValue(seeds) ?? defaults.Seeds,
                TestPrompts = parsed.GetValue(prompts) ?? defaults.TestPrompts,
                Seed = parsed.GetValue(seed) ?? defaults.Seed,
                CheckpointFolder = parsed.GetValue(checkpoints),
            };
            var result = ProgressDisplay.Run(host, "Training", progress => InContextGraphProbe.Run(options, progress, host.Cancellation));
            targets.Write(host, parsed, () => InContextGraphReport.Of(result), stream => InContextGraphJson.Write(result, stream), () => WriteTable(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTable(CliHost host, InContextGraphResult result)
    {
        foreach (var (name, value) in InContextGraphReport.Facts(result.Options)) Terminal.WriteText(host.Output, host.Width, $"{name}: {value}");
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, InContextGraphReport.Summary(result));
        foreach (var run in result.Runs)
        {
            host.Output.WriteLine(Invariant($"\nSeed {run.Seed}, loss in nats by examples:"));
            Terminal.WriteTable(host, [("examples", true), ("model", true), ("untrained", true), ("averaged", true), ("oracle", true), ("uniform", true), ("share of gap", true)],
                run.Points.Select(p => (((IReadOnlyList<string>)
                [
                    Invariant($"{p.Examples}"), Numbers.Score(p.Model), Numbers.Score(p.Untrained), Numbers.Score(p.Averaged), Numbers.Score(p.Oracle), Numbers.Score(p.Uniform), CausalGraphWords.Of(p.ShareOfGap),
                ]), p.Examples == run.Points.Count - 1)));
            Terminal.WriteText(host.Output, host.Width, $"KL from averaging after all examples: {CausalGraphWords.Of(run.Points[^1].Divergence)}.");
        }
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, InContextGraphReport.Reading);
    }
}

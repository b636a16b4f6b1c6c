using System.CommandLine;
using System.Globalization;
using MlNetIcl.Cli.Hosting;
using MlNetIcl.Cli.Input;
using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Reports.LinearAttention;

namespace MlNetIcl.Cli.Commands;

/// <summary><c>icl linear</c>: which kernel regression attention equals, and how linear attention learns.</summary>
internal static class LinearCommand
{
    public static Command Create(CliHost host)
    {
        var (kernels, usual) = (new KernelEqualityOptions(), new AttentionDynamicsOptions());
        var model = new Option<string?>("--model") { HelpName = "PATH", Description = "Hold the heads of this model against kernel smoothers as well." };
        var tasks = WholeNumber.Option("--tasks", "N", 10, kernels.Tasks, "Regression tasks on which attention is held against kernel regressions.");
        var eigenvalues = new Option<double[]>("--eigenvalues")
        {
            HelpName = "X",
            AllowMultipleArgumentsPerToken = true,
            Description = "Variances of the inputs' components, up to a factor; their number is the dimension. Default: 1 2 3 4.",
            CustomParser = ParseNumbers,
        };
        var dimension = WholeNumber.Option("--dimension", "D", 1, null, "The same as --eigenvalues 1 2 ... D, to 32.", most: 32);
        var examples = WholeNumber.Option("--examples", "N", 1, usual.Examples, "Demonstrations in a sequence.");
        var sequences = WholeNumber.Option("--sequences", "N", 1, usual.Sequences, "Sequences that are trained on.");
        var seeds = WholeNumber.Option("--seeds", "N", 1, usual.Seeds, "Trainings of each kind.");
        var heads = WholeNumber.Option("--heads", "N", 1, null, "Heads. Default: two for each dimension.");
        var size = DecimalNumber.Option("--initial-size", "X", double.Epsilon, double.MaxValue, null, "Size of the first weights. Default: 0.05, smaller in more than four dimensions.");
        var merged = DecimalNumber.Option("--merged-rate", "X", double.Epsilon, double.MaxValue, null, "Learning rate of merged heads. Default: 0.001 (0.4 / largest eigenvalue)^2.");
        var separate = DecimalNumber.Option("--separate-rate", "X", double.Epsilon, double.MaxValue, null, "Learning rate of separate heads. Default: 0.1 (0.4 / largest eigenvalue)^2.");
        var steps = WholeNumber.Option("--steps", "N", 1, null, "Steps of each training. Default: until the loss is near its optimum.");
        var seed = WholeNumber.Option("--seed", "N", int.MinValue, usual.Seed, "Seed of tasks, sequences, weights and intervals.");
        var targets = new ReportTargets();

        var command = new ExplainedCommand("linear",
            "Which kernel regression attention equals, and how linear attention learns.",
            "Holds linear and softmax attention, constructed and in decoders, against kernel smoothers and kernel ridge regression. Trains linear attention on in-context linear regression with merged keys and "
                + "queries (one drop of the loss) and separate ones (one principal component after another), and compares plateaus and ends with their closed form.",
            ("icl linear --html linear.html", "The published setting, five seeds; a report with curves."),
            ("icl linear --eigenvalues 1 3 9 --seeds 10 --json -", "Other inputs."))
        { model, tasks, eigenvalues, dimension, examples, sequences, seeds, heads, size, merged, separate, steps, seed };
        foreach (var option in targets.Options) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(eigenvalues) is { Implicit: false } && result.GetResult(dimension) is { Implicit: false }) result.AddError("--dimension and --eigenvalues say the same; give one of them.");
        });
        command.SetAction(parsed =>
        {
            targets.Check(parsed);
            int first = parsed.GetValue(seed) ?? usual.Seed;
            var equality = kernels with { Tasks = parsed.GetValue(tasks) ?? kernels.Tasks, Seed = first };
            var dynamics = usual with
            {
                Eigenvalues = parsed.GetValue(eigenvalues) is { Length: > 0 } given ? given : parsed.GetValue(dimension) is { } d ? [.. Enumerable.Range(1, d).Select(i => (double)i)] : usual.Eigenvalues,
                Examples = parsed.GetValue(examples) ?? usual.Examples,
                Sequences = parsed.GetValue(sequences) ?? usual.Sequences,
                Seeds = parsed.GetValue(seeds) ?? usual.Seeds,
                Heads = parsed.GetValue(heads),
                InitialSize = parsed.GetValue(size),
                MergedRate = parsed.GetValue(merged),
                SeparateRate = parsed.GetValue(separate),
                Steps = parsed.GetValue(steps),
                Seed = first,
            };
            equality.Validate();
            dynamics.Validate();
            using var own = parsed.GetValue(model) is { } path ? LanguageModel.Load(path) : null;
            var result = ProgressDisplay.Run(host, "Training", progress => Run(equality, dynamics, own, progress, host.Cancellation));
            targets.Write(host, parsed, () => LinearAttentionReport.Of(result), stream => LinearAttentionJson.Write(result, stream), () => LinearTable.Write(host, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static LinearAttentionResult Run(KernelEqualityOptions equality, AttentionDynamicsOptions dynamics, LanguageModel? model, IProgress<double> progress, CancellationToken cancellation) => new()
    {
        Equality = KernelEquality.Run(equality, model, progress.Part(0, 0.3), cancellation),
        Dynamics = AttentionDynamics.Run(dynamics, progress.Part(0.3, 1), cancellation),
    };

    private static double[]? ParseNumbers(System.CommandLine.Parsing.ArgumentResult argument)
    {
        var numbers = new List<double>();
        foreach (var token in argument.Tokens)
            if (double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)) numbers.Add(number);
            else argument.AddError($"--eigenvalues takes numbers, as 1 2 3 4; got '{token.Value}'.");
        return [.. numbers];
    }
}

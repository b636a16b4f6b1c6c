using MlNetIcl.Models;
using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes;

/// <summary>
/// Which kernel regression attention equals. Linear attention with W0 = 0 is the unnormalised smoother (eta / N) sum y k with a linear kernel; softmax attention the
/// normalised one (Nadaraya-Watson) with the exponential kernel, which for keys of one length is the Gaussian kernel. Measured in both directions: how near
/// they are where they ought to be equal, and how far linear attention is from the normalised smoother and from kernel ridge regression, which 'kernel
/// regression' may mean as well. Members are thread-safe; while they run torch uses one thread in the whole process, so that results don't depend on the number of cores.
/// </summary>
/// <remarks>
/// On one side stands the decoder's own attention, in float32: a layer with constructed weights (von Oswald et al. 2023, proposition 1) on random
/// tasks y = w . x, x ~ N(0, I), w ~ N(0, I), and every head of decoders on random tokens. On the other the textbook formulas, in float64 and without tensors.
/// </remarks>
public static class KernelEquality
{
    private const int Vocabulary = 64;

    /// <summary>Compares the constructed layers, a decoder with linear attention trained here, the embedded model (softmax), and the given one.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="model">One more decoder, whose heads are compared as well; stays the caller's. Default: none.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every task, training step and row.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="UnsupportedModelException">The model's scores are no products of key and query alone: ALiBi, T5 bias, sliding windows, an ONNX graph.</exception>
    public static KernelEqualityResult Run(KernelEqualityOptions? options = null, LanguageModel? model = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        options.Validate();
        if (model is not null) DecoderSmoothers.Require(model);
        return TorchThreads.One(() => Compare(options, model, progress, cancellationToken));
    }

    private static KernelEqualityResult Compare(KernelEqualityOptions options, LanguageModel? model, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        List<SmootherComparison> comparisons = [.. Linear(options, cancellationToken), .. Softmax(options, equalNorms: true, cancellationToken), .. Softmax(options, equalNorms: false, cancellationToken)];
        progress?.Report(0.3);
        using (var linear = LinearDecoder(options, progress.Part(0.3, 0.8), cancellationToken)) AddHeads(linear);
        using (var embedded = LanguageModel.LoadEmbedded()) AddHeads(embedded);
        progress?.Report(0.9);
        if (model is not null) AddHeads(model);
        progress?.Report(1);
        return new() { Options = options, Comparisons = [.. comparisons.OrderBy(c => !c.ExpectedEqual)] };

        void AddHeads(LanguageModel decoder) => comparisons.AddRange(DecoderSmoothers.Compare(decoder, Rows(decoder.Config, options), options.Seed, cancellationToken));
    }

    private static IEnumerable<SmootherComparison> Linear(KernelEqualityOptions options, CancellationToken cancellation)
    {
        var tasks = new SmootherTasks(options, equalNorms: false);
        using var layer = new ConstructedLayer(AttentionKind.Linear, options.Dimension, options.Examples, options.StepSize);
        double[] answers = layer.Answers(tasks.Inputs, tasks.Outputs);
        double factor = options.StepSize / options.Examples;
        Kernel kernel = KernelSmoother.Linear;
        SmootherComparison Against(SmootherKind kind, double? ridge, Func<double[][], double[], double[], double> regression) =>
            Comparison(AttentionKind.Linear, SmootherSource.Constructed, kind, SmootherKernel.Linear, ridge, kind == SmootherKind.Unnormalised, answers, tasks.Answers(regression, cancellation), options);

        yield return Against(SmootherKind.Unnormalised, null, (x, y, query) => factor * KernelSmoother.Sum(x, y, query, kernel));
        yield return Against(SmootherKind.Normalised, null, (x, y, query) => KernelSmoother.NadarayaWatson(x, y, query, kernel));
        foreach (double ridge in options.Ridges)
            yield return Against(SmootherKind.Ridge, ridge, (x, y, query) => KernelSmoother.Ridge(x, y, query, kernel, ridge * options.Examples));
    }

    private static IEnumerable<SmootherComparison> Softmax(KernelEqualityOptions options, bool equalNorms, CancellationToken cancellation)
    {
        var tasks = new SmootherTasks(options, equalNorms);
        using var layer = new ConstructedLayer(AttentionKind.Softmax, options.Dimension, options.Examples, options.StepSize);
        double[] answers = layer.Answers(tasks.Inputs, tasks.Outputs);
        double scale = 1 / Math.Sqrt(options.Dimension);
        var source = equalNorms ? SmootherSource.ConstructedEqualNorms : SmootherSource.Constructed;
        Kernel exponential = KernelSmoother.Exponential(scale), gaussian = KernelSmoother.Gaussian(scale);
        SmootherComparison Against(SmootherKind kind, SmootherKernel name, double? ridge, bool equal, Func<double[][], double[], double[], double> regression) =>
            Comparison(AttentionKind.Softmax, source, kind, name, ridge, equal, answers, tasks.Answers(regression, cancellation), options);

        yield return Against(SmootherKind.Normalised, SmootherKernel.Gaussian, null, equalNorms, (x, y, query) => KernelSmoother.NadarayaWatson(x, y, query, gaussian));
        if (equalNorms) yield break;
        yield return Against(SmootherKind.Normalised, SmootherKernel.Exponential, null, true, (x, y, query) => KernelSmoother.NadarayaWatson(x, y, query, exponential));
        yield return Against(SmootherKind.Unnormalised, SmootherKernel.Exponential, null, false, (x, y, query) => KernelSmoother.Sum(x, y, query, exponential));
        foreach (double ridge in options.Ridges)
            yield return Against(SmootherKind.Ridge, SmootherKernel.Exponential, ridge, false, (x, y, query) => KernelSmoother.Ridge(x, y, query, exponential, ridge * options.Examples));
    }

    private static SmootherComparison Comparison(AttentionKind attention, SmootherSource source, SmootherKind smoother, SmootherKernel kernel, double? ridge, bool equal, double[] answers, double[] regression, KernelEqualityOptions options)
    {
        var pairs = new OutputPairs(answers.Length, heads: 1);
        for (int task = 0; task < answers.Length; task++) pairs.Add(task, 0, answers[task], regression[task]);
        var (difference, size) = pairs.Largest();
        return new()
        {
            Attention = attention,
            Source = source,
            Smoother = smoother,
            Kernel = kernel,
            Ridge = ridge,
            ExpectedEqual = equal,
            MaxDifference = difference,
            Scale = size,
            Gap = pairs.Gap(options.Seed),
            N = answers.Length,
            Heads = 1,
        };
    }

    /// <summary>Two layers of four heads of linear attention, trained for some steps so that keys, queries and values are no longer random.</summary>
    private static LanguageModel LinearDecoder(KernelEqualityOptions options, IProgress<double>? progress, CancellationToken cancellation)
    {
        var config = new DecoderConfig
        {
            Layers = 2,
            DModel = 64,
            Heads = 4,
            Vocabulary = Vocabulary,
            Context = Math.Max(32, options.Length),
            Positions = PositionEncoding.Shortformer,
            Attention = AttentionKind.Linear,
            BosTokenId = 0,
        };
        var data = new RepeatedSequenceData(new() { Tokens = [.. Enumerable.Range(1, Vocabulary - 1)], BosTokenId = 0, Lengths = [32] }, options.Seed);
        using var trainer = new DecoderTrainer(config, data, new TrainingOptions { Seed = options.Seed });
        if (options.TrainingSteps > 0) trainer.Train(options.TrainingSteps, progress is null ? null : step => progress.Report((double)step.Step / options.TrainingSteps), cancellation);
        return trainer.ToModel("linear decoder");
    }

    private static int[][] Rows(DecoderConfig config, KernelEqualityOptions options)
    {
        var random = new SeededRandom(options.Seed, RandomStream.SmootherRows);
        int length = Math.Min(options.Length, config.Context);
        return [.. Enumerable.Range(0, options.Rows).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(config.Vocabulary)).ToArray())];
    }
}

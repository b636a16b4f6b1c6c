using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>
/// Trains a two-layer attention-only decoder with one of the encodings on <see cref="DemonstrationTask"/>. Deterministic, and resumes bit for
/// bit, on one machine with one number of torch threads. Owns its weights; not thread-safe.
/// </summary>
internal sealed class PositionTrainer : IDisposable
{
    private const int Chunk = 256; // rows at a time
    private const double InitialStd = 0.07;
    private const int Warmup = 50;

    private readonly PositionStudyOptions _options;
    private readonly int _seed;
    private readonly DecoderWeights _weights;
    private readonly TrainingRun _run;

    public PositionTrainer(PositionScheme scheme, int seed, double rate, PositionStudyOptions options)
    {
        (_options, _seed) = (options, seed);
        Config = ConfigOf(scheme, options);
        _weights = DecoderInitializer.Normal(Config, seed, InitialStd);
        bool fixedTable = scheme is PositionScheme.Sinusoidal or PositionScheme.Shortformer;
        if (fixedTable) Fill(_weights.Positions!, scheme == PositionScheme.Sinusoidal ? InitialStd * Math.Sqrt(2) : 1);
        NamedParameter[] learned = [.. _weights.Named().Where(w => !fixedTable || !ReferenceEquals(w.Value, _weights.Positions)).Select(w => new NamedParameter(w.Name, w.Value))];
        var settings = new TrainingOptions { LearningRate = rate, WarmupSteps = Warmup, DecaySteps = Math.Max(Warmup + 1, options.Steps) };
        _run = new TrainingRun(learned, new AdamW(learned, settings.ToAdamW()),
        [
            ("scheme", scheme.ToString()), ("seed", seed.ToString(CultureInfo.InvariantCulture)), ("training", SettingsJson.Write(settings)),
            ("rows", FormattableString.Invariant($"{options.BatchTokens} tokens of {options.TrainedDemonstrations}")), ("config", SettingsJson.Write(Config)),
        ]);
    }

    public DecoderConfig Config { get; }

    public int StepsDone => _run.StepsDone;

    public void Train(int steps, Action<int, double>? observe = null, CancellationToken cancellation = default) => _run.Train(steps, step =>
    {
        // Rows depend on seed and step alone.
        var random = new SeededRandom(unchecked((_seed * 1_000_003) + step), RandomStream.KeyValueRows);
        return Loss(DemonstrationTask.Training(random, _options.BatchTokens, _options.TrainedDemonstrations), cancellation);
    }, observe, cancellation);

    public void Save(string path) => _run.Save(path);

    public void Resume(string path) => _run.Resume(path);

    /// <summary>Every weight, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> Named() => _weights.Named();

    /// <summary>Mean loss of repeated keys' values on training rows that are not trained on, in nats.</summary>
    public double HeldOutLoss(CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Loss(DemonstrationTask.Training(new SeededRandom(_seed, RandomStream.HeldOutDemonstrations), 16 * 1024, _options.TrainedDemonstrations), cancellation).item<float>();
    }

    /// <summary>The token that each question is answered by, over the whole vocabulary; null where the rows are longer than the table of positions.</summary>
    public int[]? Answers(IReadOnlyList<Question> questions, CancellationToken cancellation)
    {
        if (questions[0].Tokens.Length > Config.Context) return null;
        using var noGradients = no_grad();
        var answers = new List<int>(questions.Count);
        foreach (var chunk in questions.Chunk(Chunk))
        {
            using var scope = NewDisposeScope();
            var plan = new ForwardPlan().Observe(Site.Logits, logits =>
            {
                using var guesses = logits.select(1, -1).argmax(-1);
                answers.AddRange(guesses.data<long>().Select(id => (int)id));
            });
            int length = chunk[0].Tokens.Length;
            using var result = DecoderPass.Run(Config, _weights, new TokenBatch([.. chunk.Select(q => q.Tokens)]), plan.Within(new LightCone(0, length, [length - 1])), cancellation);
        }
        return [.. answers];
    }

    public void Dispose()
    {
        _run.Dispose();
        _weights.Dispose();
    }

    private Tensor Loss((TokenBatch Tokens, bool[] Scored) rows, CancellationToken cancellation)
    {
        using var result = DecoderPass.Run(Config, _weights, rows.Tokens, new ForwardPlan().TokenLosses(), cancellation);
        return result.TokenLosses!.reshape(-1).masked_select(tensor(rows.Scored)).mean();
    }

    private static DecoderConfig ConfigOf(PositionScheme scheme, PositionStudyOptions options)
    {
        int trained = DemonstrationTask.TrainingLength(options.TrainedDemonstrations), longest = Math.Max(trained, DemonstrationTask.QueryLength(options.TestedDemonstrations.Max()));
        const int heads = 4;
        return new DecoderConfig
        {
            Layers = 2,
            DModel = options.DModel,
            Heads = heads,
            Vocabulary = DemonstrationTask.Vocabulary,
            Context = scheme == PositionScheme.Learned ? trained : longest,
            Positions = scheme switch
            {
                PositionScheme.Learned or PositionScheme.Sinusoidal => PositionEncoding.Learned,
                PositionScheme.Shortformer => PositionEncoding.Shortformer,
                PositionScheme.T5Bias => PositionEncoding.T5Bias,
                PositionScheme.Rotary => PositionEncoding.Rotary,
                PositionScheme.Alibi => PositionEncoding.Alibi,
                _ => PositionEncoding.None,
            },
            Rotary = scheme == PositionScheme.Rotary ? new RotaryConfig(options.DModel / heads) : null,
        };
    }

    /// <summary>sin(pos / 10000^(2i/d)) in dimension 2i, cos in 2i + 1 (Vaswani et al. 2017, section 3.5).</summary>
    private static void Fill(Tensor table, double amplitude)
    {
        int length = (int)table.shape[0], width = (int)table.shape[1];
        float[] values = new float[length * width];
        for (int at = 0; at < values.Length; at++)
        {
            int dimension = at % width;
            double angle = (at / width) / Math.Pow(10000, (dimension & ~1) / (double)width);
            values[at] = (float)(amplitude * ((dimension & 1) == 0 ? Math.Sin(angle) : Math.Cos(angle)));
        }
        using var sinusoids = tensor(values, [length, width]);
        table.copy_(sinusoids);
    }
}

using MlNetIcl.Models;
using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes;

/// <summary>The models that several claims are tested on, each made or loaded once.</summary>
internal static class ClaimModels
{
    private const int Bos = 0, Vocabulary = 64, Length = 64, MostSteps = 1000;
    private const double Copied = 0.98; // of held-out rows: then training stops

    /// <summary>The model that comes with the library.</summary>
    public static LanguageModel Embedded(ClaimContext context) => context.Share("embedded model", LanguageModel.LoadEmbedded);

    /// <summary>The user's model, or null.</summary>
    public static LanguageModel? Given(ClaimContext context) =>
        context.Options.ModelPath is { } path ? context.Share("given model", () => LanguageModel.Load(path)) : null;

    /// <summary>A model's heads, scored once for all claims; a given model on half as many sequences in quick runs.</summary>
    public static HeadDetectionResult Heads(ClaimContext context, LanguageModel model, IProgress<double>? progress, CancellationToken cancellationToken) =>
        context.Share($"heads of {model.Name}", () => HeadDetector.Detect(model, new HeadDetectionOptions
        {
            Sequences = context.Options.Quick && model.SourcePath is not null ? 16 : 32,
            Seed = context.Options.Seed,
            TransformerLens = false,
            Copying = false,
        }, progress, cancellationToken));

    /// <summary>
    /// An attention-only model of four heads in each layer, trained here on random tokens that repeat until it copies held-out ones,
    /// 1,000 steps at most.
    /// </summary>
    /// <param name="context">The ledger's.</param>
    /// <param name="seed">Added to the ledger's seed, from 1.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="cancellationToken">Checked before every block of every step.</param>
    public static LanguageModel Trained(ClaimContext context, int seed, int layers, CancellationToken cancellationToken) =>
        context.Share(FormattableString.Invariant($"trained model of {layers} layers, seed {seed}"), () =>
        {
            int own = unchecked((context.Options.Seed * 1000) + seed);
            var config = new DecoderConfig { Layers = layers, DModel = 64, Heads = 4, Vocabulary = Vocabulary, Context = Length, Positions = PositionEncoding.Shortformer, BosTokenId = Bos };
            var rows = new RepeatedSequenceOptions { Tokens = [.. Enumerable.Range(1, Vocabulary - 1)], BosTokenId = Bos, Lengths = [Length] };
            using var trainer = new DecoderTrainer(config, new RepeatedSequenceData(rows, own), new TrainingOptions { Seed = own });
            double copied = 0;
            while (copied < Copied && trainer.StepsDone < MostSteps)
                trainer.Train(trainer.StepsDone + 50, step => copied = step.Copying?.CopyAccuracy ?? copied, cancellationToken);
            return trainer.ToModel(FormattableString.Invariant($"{layers}-layer model {own}"));
        });
}

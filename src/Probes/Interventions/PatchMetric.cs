using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What a run is judged by: one number per row, computed from the last hidden states. Immutable; thread-safe.</summary>
public abstract class PatchMetric
{
    private protected PatchMetric(string name) => Name = name;

    /// <summary>The metric's name in results: <c>logit_difference</c>, <c>loss</c>, <c>loss_second_repeat</c>, <c>copy_accuracy</c> or <c>copy_logit_difference</c>.</summary>
    public string Name { get; }

    /// <summary>logit(answer) - logit(foil) at every row's last position.</summary>
    public static PatchMetric LogitDifference(int answer, int foil) => new LogitDifferenceMetric([answer], [foil]);

    /// <summary>The same with an answer and a foil for each row.</summary>
    /// <exception cref="ArgumentException">There is none, or not as many answers as foils.</exception>
    public static PatchMetric LogitDifference(IReadOnlyList<int> answers, IReadOnlyList<int> foils)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(foils);
        if (answers.Count == 0 || answers.Count != foils.Count)
            throw new ArgumentException($"Expected one foil for each answer, and at least one, got {answers.Count} answers and {foils.Count} foils.");
        return new LogitDifferenceMetric([.. answers], [.. foils]);
    }

    /// <summary>Mean loss, in nats, of the tokens at positions <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="first"/> is below 1 (the first token is never predicted) or above <paramref name="last"/>.</exception>
    public static PatchMetric Loss(int first, int last) => TokenMetric.Loss("loss", [(first, last)]);

    /// <summary>The same over a stretch of its own for each row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or a stretch starts below 1 or ends before it starts.</exception>
    public static PatchMetric Loss(IReadOnlyList<(int First, int Last)> stretches) => TokenMetric.Loss("loss", stretches);

    /// <summary>Mean loss, in nats, of the second repeat of repeated rows.</summary>
    public static PatchMetric SecondRepeatLoss(Periodicity shape) => SecondRepeatLoss([shape]);

    /// <summary>The same for rows of which each repeats in its own way.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public static PatchMetric SecondRepeatLoss(IReadOnlyList<Periodicity> shapes) =>
        TokenMetric.Loss("loss_second_repeat", [.. (shapes ?? throw new ArgumentNullException(nameof(shapes))).Select(s => SecondRepeat(s, from: 0))]);

    /// <summary>
    /// Share of the targets R+2..2R of repeated rows that are the argmax over the vocabulary, in [0, 1]; the first token of a repeat
    /// cannot be copied. Has no gradient.
    /// </summary>
    public static PatchMetric CopyAccuracy(Periodicity shape) => CopyAccuracy([shape]);

    /// <summary>The same for rows of which each repeats in its own way.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public static PatchMetric CopyAccuracy(IReadOnlyList<Periodicity> shapes) =>
        TokenMetric.Accuracy("copy_accuracy", [.. (shapes ?? throw new ArgumentNullException(nameof(shapes))).Select(s => SecondRepeat(s, from: 1))]);

    /// <summary>
    /// Logit of the right token minus the mean logit of the vocabulary, mean over the targets R+2..2R of repeated rows. Unlike a loss
    /// it does not level off where copying is certain, so that each of several heads that copy shows.
    /// </summary>
    public static PatchMetric CopyLogitDifference(Periodicity shape) => TokenMetric.LogitAboveMean("copy_logit_difference", [SecondRepeat(shape, from: 1)]);

    private static (int First, int Last) SecondRepeat(Periodicity shape, int from) =>
        (shape.Offset + shape.Period + from, shape.Offset + (2 * shape.Period) - 1);

    /// <summary>The metric with all its settings, as text.</summary>
    internal abstract string Identity { get; }

    /// <summary>Checks that the metric can be read on these rows.</summary>
    internal abstract void Validate(DecoderConfig config, TokenBatch tokens);

    /// <summary>The metric of each row [batch], float32; differentiable.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">What the unembedding reads [batch, pos, d_model].</param>
    /// <param name="tokens">The rows; several runs may stand one after the other, each with all rows.</param>
    internal abstract Tensor Evaluate(LanguageModel model, Tensor hidden, TokenBatch tokens);
}

internal sealed class LogitDifferenceMetric(int[] answers, int[] foils) : PatchMetric("logit_difference")
{
    internal override string Identity => $"{Name} {string.Join(',', answers)} {string.Join(',', foils)}";

    internal override void Validate(DecoderConfig config, TokenBatch tokens)
    {
        if (answers.Length != 1 && answers.Length != tokens.Count)
            throw new ArgumentException($"Expected an answer and a foil for all rows, or for each of the {tokens.Count}, got {answers.Length}.");
        foreach (int id in answers.Concat(foils))
            if ((uint)id >= (uint)config.Vocabulary)
                throw new InvalidTokensException($"Answer or foil {id} is no token: ids go from 0 to {config.Vocabulary - 1}.");
    }

    /// <summary>The direction in the space of the last hidden state along which the metric rises [1 or batch, d_model], float32.</summary>
    public Tensor Direction(LanguageModel model)
    {
        var unembedding = model.Weights.Unembedding;
        return (unembedding.index_select(0, Ids(answers)) - unembedding.index_select(0, Ids(foils))).to_type(ScalarType.Float32);

        Tensor Ids(int[] ids) => tensor([.. ids.Select(id => (long)id)], device: model.Device);
    }

    /// <summary>What the unembedding's bias gives to the metric [1 or batch].</summary>
    public double[] Bias(LanguageModel model)
    {
        if (model.Weights.UnembeddingBias is not { } bias) return new double[answers.Length];
        using var scope = NewDisposeScope();
        var values = bias.to_type(ScalarType.Float64).cpu().data<double>();
        return [.. answers.Zip(foils, (answer, foil) => values[answer] - values[foil])];
    }

    /// <summary>The values at each row's last position [batch, d_model], float32.</summary>
    public static Tensor Last(Tensor value, TokenBatch tokens)
    {
        long[] at = [.. tokens.Rows.Select((row, i) => ((long)i * tokens.MaxLength) + row.Length - 1)];
        return value.reshape(-1, value.shape[^1]).index_select(0, tensor(at, device: value.device)).to_type(ScalarType.Float32);
    }

    internal override Tensor Evaluate(LanguageModel model, Tensor hidden, TokenBatch tokens)
    {
        var last = Last(hidden, tokens);
        var direction = Direction(model); // [1 or rows of one run, d_model]
        double[] bias = Bias(model);
        if (bias.Length > 1)
        {
            direction = direction.repeat([tokens.Count / bias.Length, 1]);
            bias = [.. Enumerable.Range(0, tokens.Count).Select(i => bias[i % bias.Length])];
        }
        return (last * direction).sum([-1]) + tensor([.. bias.Select(b => (float)b)], device: hidden.device);
    }
}

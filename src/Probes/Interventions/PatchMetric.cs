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

    /// <summary>Checks the metric of a run without a patch.</summary>
    /// <exception cref="ModelFormatException">A value is no number.</exception>
    internal void RequireFinite(LanguageModel model, IEnumerable<double> values)
    {
        if (!values.All(double.IsFinite))
            throw new ModelFormatException($"The {Name.Replace('_', ' ')} of model '{model.Name}' is not finite on these rows. Its weights hold NaN or infinity, or are so large that the computation overflows.");
    }

    /// <summary>The metric on some of the rows.</summary>
    internal abstract PatchMetric ForRows(int first, int count);

    /// <summary>The positions whose hidden states make up a row's metric, which is the mean of a value at each of them.</summary>
    internal abstract (int First, int Last) ReadsOf(TokenBatch tokens, int row);

    /// <summary>The positions that are read on any row, ascending.</summary>
    internal int[] Reads(TokenBatch tokens)
    {
        var read = new bool[tokens.MaxLength];
        for (int row = 0; row < tokens.Count; row++)
        {
            var (first, last) = ReadsOf(tokens, row);
            Array.Fill(read, true, first, last - first + 1);
        }
        return [.. Enumerable.Range(0, read.Length).Where(pos => read[pos])];
    }

    /// <summary>The metric of each row [batch], float32; differentiable.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">What the unembedding reads [batch, pos, d_model].</param>
    /// <param name="tokens">The rows; several runs may stand one after the other, each with all rows.</param>
    internal Tensor Evaluate(LanguageModel model, Tensor hidden, TokenBatch tokens) =>
        Values(model, hidden, tokens, [.. Enumerable.Range(0, tokens.MaxLength)]).sum([1]) / tensor([.. Counts(tokens).Select(n => (float)n)], device: hidden.device);

    /// <summary>How many positions are read on each row.</summary>
    internal int[] Counts(TokenBatch tokens) => [.. Enumerable.Range(0, tokens.Count).Select(row => ReadsOf(tokens, row).Last - ReadsOf(tokens, row).First + 1)];

    /// <summary>What each position gives to the metric [batch, pos], float32: 0 where it is not read; differentiable.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">What the unembedding reads, at some positions [batch, pos, d_model]; of a graph the logits [batch, pos, vocab].</param>
    /// <param name="tokens">The rows; several runs may stand one after the other, each with all rows.</param>
    /// <param name="positions">The positions, ascending.</param>
    internal Tensor Values(LanguageModel model, Tensor hidden, TokenBatch tokens, int[] positions)
    {
        var reads = new List<(int Row, int Position)>();
        var at = new List<long>();
        for (int row = 0; row < tokens.Count; row++)
        {
            var (first, last) = ReadsOf(tokens, row);
            for (int i = 0; i < positions.Length; i++)
                if (positions[i] >= first && positions[i] <= last)
                {
                    reads.Add((row, positions[i]));
                    at.Add(((long)row * positions.Length) + i);
                }
        }
        var values = zeros((long)tokens.Count * positions.Length, ScalarType.Float32, hidden.device);
        if (reads.Count > 0)
        {
            var index = tensor(at.ToArray(), device: hidden.device);
            values = values.index_copy(0, index, ValuesAt(model, hidden.reshape(-1, hidden.shape[^1]).index_select(0, index), tokens, reads));
        }
        return values.view(tokens.Count, positions.Length);
    }

    /// <summary>The values of some positions, float32 [read]; differentiable.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">Their hidden states [read, d_model].</param>
    /// <param name="tokens">The rows.</param>
    /// <param name="reads">The positions.</param>
    private protected abstract Tensor ValuesAt(LanguageModel model, Tensor hidden, TokenBatch tokens, IReadOnlyList<(int Row, int Position)> reads);
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

    internal override PatchMetric ForRows(int first, int count) => answers.Length == 1 ? this : new LogitDifferenceMetric(answers[first..(first + count)], foils[first..(first + count)]);

    internal override (int First, int Last) ReadsOf(TokenBatch tokens, int row) => (tokens[row].Length - 1, tokens[row].Length - 1);

    private protected override Tensor ValuesAt(LanguageModel model, Tensor hidden, TokenBatch tokens, IReadOnlyList<(int Row, int Position)> reads)
    {
        if (model.IsGraph)
        {
            Tensor Of(int[] ids) => hidden.gather(1, tensor([.. reads.Select(r => (long)ids[r.Row % ids.Length])]).unsqueeze(1)).squeeze(1);
            return Of(answers) - Of(foils);
        }
        var direction = Direction(model); // [1 or rows of one run, d_model]
        double[] bias = Bias(model);
        if (bias.Length > 1) direction = direction.index_select(0, tensor([.. reads.Select(r => (long)(r.Row % bias.Length))], device: hidden.device));
        float[] added = [.. reads.Select(r => (float)bias[r.Row % bias.Length])];
        return (hidden.to_type(ScalarType.Float32) * direction).sum([-1]).Plus(tensor(added, device: hidden.device));
    }
}

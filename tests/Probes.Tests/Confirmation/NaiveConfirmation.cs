using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Confirmation;

/// <summary>The protocol again, plainly: one whole forward pass per ablation, means and losses summed in loops.</summary>
internal sealed class NaiveConfirmation(LanguageModel model, RepeatedSequences sequences, HeadDetectionResult detection)
{
    private readonly Dictionary<HeadId, float[,]> _means = MeansOf(model, sequences.Fresh(model, 32)); // [pos, d_head]

    private readonly Dictionary<string, (float[][] Losses, long[][] Best)> _runs = [];

    public HeadId[] Detected { get; } = [.. detection.Detected(HeadKind.Induction).Select(h => new HeadId(h.Layer, h.Head))];

    public double[] Effect(params HeadId[] heads) => Minus(Loss(sequences.Tokens, heads), Loss(sequences.Tokens));

    public double[] Specificity(params HeadId[] heads) =>
        Minus(Effect(heads), Minus(Loss(sequences.Controls, heads), Loss(sequences.Controls)));

    public double[] GiveBack(HeadId[] joint, HeadId back) =>
        Minus(Loss(sequences.Tokens, joint), Loss(sequences.Tokens, [.. joint.Where(h => h != back)]));

    /// <summary>The effects of the heads within one layer of a head that are called nothing at all.</summary>
    public double[] Controls(HeadId head) =>
    [
        .. from other in detection.Heads
           where other.Layer >= head.Layer - 1 && other.Layer <= head.Layer + 1
           where (other.Induction.Verdict, other.PreviousToken.Verdict, other.DuplicateToken.Verdict) is ("none", "none", "none")
           select Effect(new HeadId(other.Layer, other.Head)).Average(),
    ];

    /// <summary>Mean loss, row by row, of the second repeat's tokens.</summary>
    public double[] Loss(TokenBatch rows, params HeadId[] ablated)
    {
        var (losses, _) = Run(rows, ablated); // [row][pos - 1]
        int first = sequences.Shape.Offset + sequences.Shape.Period;
        return [.. losses.Select(row => Enumerable.Range(first, sequences.Shape.Period).Average(target => row[target - 1]))];
    }

    /// <summary>Share of the second repeat's tokens but its first that have the highest logit.</summary>
    public double CopyAccuracy(params HeadId[] ablated)
    {
        var (_, best) = Run(sequences.Tokens, ablated);
        int first = sequences.Shape.Offset + sequences.Shape.Period;
        var targets = from row in Enumerable.Range(0, sequences.Tokens.Count) from target in Enumerable.Range(first + 1, sequences.Shape.Period - 1) select (row, target);
        return targets.Average(t => best[t.row][t.target - 1] == sequences.Tokens[t.row][t.target] ? 1.0 : 0.0);
    }

    public static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

    private (float[][] Losses, long[][] Best) Run(TokenBatch rows, HeadId[] ablated)
    {
        string key = $"{(rows == sequences.Tokens ? "repeats" : "controls")} {string.Join(' ', ablated)}";
        return _runs.TryGetValue(key, out var run) ? run : _runs[key] = RunAnew(rows, ablated);
    }

    private (float[][] Losses, long[][] Best) RunAnew(TokenBatch rows, HeadId[] ablated)
    {
        var plan = new ForwardPlan().TokenLosses().Capture(Site.Logits);
        foreach (var layer in ablated.GroupBy(h => h.Layer))
            plan.Replace(Site.Z(layer.Key), z =>
            {
                float[] edited = z.contiguous().data<float>().ToArray(); // [batch, pos, head, d_head]
                var (length, heads, width) = ((int)z.shape[1], (int)z.shape[2], (int)z.shape[3]);
                for (int row = 0; row < rows.Count; row++)
                    for (int pos = 0; pos < length; pos++)
                        foreach (var head in layer)
                            for (int i = 0; i < width; i++)
                                edited[(((((row * length) + pos) * heads) + head.Head) * width) + i] = _means[head][pos, i];
                return tensor(edited, z.shape);
            });
        using var result = model.Run(rows, plan);
        float[] losses = result.TokenLosses!.contiguous().data<float>().ToArray();
        long[] best = result[Site.Logits].argmax(-1).data<long>().ToArray();
        int size = rows.MaxLength;
        return ([.. losses.Chunk(size - 1)], [.. best.Chunk(size)]);
    }

    private static Dictionary<HeadId, float[,]> MeansOf(LanguageModel model, TokenBatch reference)
    {
        var (config, length) = (model.Config, reference.MaxLength);
        using var run = model.Run(reference, new ForwardPlan().Capture(Enumerable.Range(0, config.Layers).Select(Site.Z)));
        return HeadId.All(config).ToDictionary(head => head, head =>
        {
            float[] values = run[Site.Z(head.Layer)][.., .., head.Head].contiguous().data<float>().ToArray(); // [batch, pos, d_head]
            var mean = new float[length, config.DHead];
            for (int pos = 0; pos < length; pos++)
                for (int i = 0; i < config.DHead; i++)
                    mean[pos, i] = (float)Enumerable.Range(0, reference.Count).Average(row => values[(((row * length) + pos) * config.DHead) + i]);
            return mean;
        });
    }
}

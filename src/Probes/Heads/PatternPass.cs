using System.Globalization;
using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>What to read from the patterns of one row.</summary>
internal readonly record struct PatternRow(int[] Tokens, IReadOnlyList<PatternEntry> Entries);

/// <summary>Values read from attention patterns: one per row, head (layer by layer) and measure.</summary>
internal sealed class PatternValues(int rows, int heads, int measures)
{
    private readonly double[] _values = new double[(long)rows * heads * measures];

    public int Rows => rows;

    public int Heads => heads;

    public double this[int row, int head, int measure] => _values[Start(row, head) + measure];

    /// <summary>All measures of one head on one row.</summary>
    public Span<double> Of(int row, int head) => _values.AsSpan(Start(row, head), measures);

    private int Start(int row, int head) => (row * heads + head) * measures;
}

/// <summary>Runs rows through a model in batches and reduces each layer's pattern as soon as it is there.</summary>
internal sealed class PatternPass
{
    private const long MaxPatternBytes = 256L << 20;
    private const int MaxBatchRows = 64;

    private readonly LanguageModel _model;
    private readonly int _measures;

    /// <param name="model">The model.</param>
    /// <param name="measures">Number of measures that entries name.</param>
    public PatternPass(LanguageModel model, int measures) => (_model, _measures) = (model, measures);

    /// <summary>Whether the attention of all queries is summed too, in one more measure.</summary>
    public bool Total { get; init; }

    /// <summary>Whether the mean entropy is taken too, in one more measure (after <see cref="Total"/>'s).</summary>
    public bool Entropy { get; init; }

    /// <summary>Rows of a batch; null for as many as keep one layer's pattern below 256 MiB, at most 64.</summary>
    public int? BatchRows { get; init; }

    /// <summary>Adds what else a batch's plan is to compute; called with the first row of the batch and its tokens.</summary>
    public Action<ForwardPlan, int, TokenBatch>? Extend { get; init; }

    /// <summary>Reads the result of each batch's plan.</summary>
    public Action<ForwardResult, int, TokenBatch>? Finish { get; init; }

    /// <summary>The layers that are read; null for all. The pass stops after the last of them, and the values of the others stay 0.</summary>
    public IReadOnlyCollection<int>? Layers { get; init; }

    /// <summary>Reads all rows. Batches are cut at absolute multiples of the row number and padded by their own longest row.</summary>
    public PatternValues Run(IReadOnlyList<PatternRow> rows, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var config = _model.Config;
        var values = new PatternValues(rows.Count, config.Layers * config.Heads, _measures + (Total ? 1 : 0) + (Entropy ? 1 : 0));
        int size = BatchRows ?? DefaultBatchRows(config, rows.Max(r => r.Tokens.Length));
        for (int first = 0; first < rows.Count; first += size)
        {
            var batch = rows.Skip(first).Take(size).ToArray();
            var tokens = new TokenBatch([.. batch.Select(r => r.Tokens)]);
            tokens.Validate(config); // before anything of the rows' size is allocated
            using var readout = new PatternReadout([.. batch.Select(r => r.Entries)], [.. batch.Select(r => r.Tokens.Length)], _measures, _model.Device, Total, Entropy);
            var plan = new ForwardPlan();
            foreach (int layer in Layers ?? [.. Enumerable.Range(0, config.Layers)])
            {
                var (at, start) = (layer, first);
                plan.Observe(Site.Pattern(layer), pattern =>
                {
                    Read(readout, pattern, values, start, at);
                    progress?.Report((start + (at + 1.0) / config.Layers * batch.Length) / rows.Count);
                });
            }
            Extend?.Invoke(plan, first, tokens);
            using var result = _model.Run(tokens, plan, cancellationToken);
            Finish?.Invoke(result, first, tokens);
        }
        return values;
    }

    /// <summary>As many rows as keep one layer's pattern below 256 MiB, at most 64; all layers' of a graph, which gives them at once.</summary>
    public static int DefaultBatchRows(DecoderConfig config, int length) =>
        (int)Math.Clamp(MaxPatternBytes / ((config.Sites.Count > 0 ? config.Layers : 1L) * config.Heads * length * length * sizeof(float)), 1, MaxBatchRows);

    /// <exception cref="ModelFormatException">A value is no number, so that nothing true can be said about the head: not a missing score, and no score of 0.</exception>
    private void Read(PatternReadout readout, Tensor pattern, PatternValues values, int firstRow, int layer)
    {
        using var read = readout.Apply(pattern).cpu(); // [batch, head, measure]
        var (batch, heads, measures) = ((int)read.shape[0], (int)read.shape[1], (int)read.shape[2]);
        var data = read.data<double>().ToArray().AsSpan();
        for (int row = 0; row < batch; row++)
            for (int head = 0; head < heads; head++)
            {
                var ofHead = data.Slice((row * heads + head) * measures, measures);
                foreach (double value in ofHead)
                    if (!double.IsFinite(value))
                        throw new ModelFormatException(string.Create(CultureInfo.InvariantCulture,
                            $"The attention of {new HeadId(layer, head)} in model '{_model.Name}' is not finite on row {firstRow + row}. Its weights hold NaN or infinity, or are so large that the computation overflows."));
                ofHead.CopyTo(values.Of(firstRow + row, layer * heads + head));
            }
    }
}

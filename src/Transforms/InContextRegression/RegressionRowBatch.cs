using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using static TorchSharp.torch;

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>Rows whose labels are predicted together.</summary>
internal abstract class RegressionRowBatch : RowBatch
{
    private readonly IHost _host;
    private readonly ValueGetter<VBuffer<float>> _getFeatures;
    private readonly float[] _queries; // [slot, d], scaled, padded with zeros
    private readonly bool[] _missing;
    private readonly float[] _scores;
    private VBuffer<float> _features;

    protected RegressionRowBatch(DataViewRow source, InContextRegressionSettings settings, BatchLimits limits, InContextRegressor regressor, IHost host) : base(limits)
    {
        (Settings, Regressor, _host) = (settings, regressor, host);
        _getFeatures = source.GetGetter<VBuffer<float>>(source.Schema[settings.FeatureColumnName]);
        _queries = new float[limits.Rows * Dimension];
        _missing = new bool[limits.Rows];
        _scores = new float[limits.Rows];
    }

    protected InContextRegressionSettings Settings { get; }

    protected InContextRegressor Regressor { get; }

    protected int Dimension => Regressor.Options.Dimension;

    public override Delegate CreateGetter(int output, Func<int> slot) => (ValueGetter<float>)((ref score) =>
    {
        int row = slot();
        if (!_missing[row]) Require(row);
        score = _missing[row] ? float.NaN : _scores[row];
    });

    /// <summary>Reads what else the source's current row consists of.</summary>
    /// <returns>Whether it can be computed.</returns>
    protected virtual bool ReadMore(int slot, long position) => true;

    /// <summary>Answers of some slots, in the family's unit.</summary>
    /// <param name="slots">The slots, at least one.</param>
    /// <param name="queries">Their queries [slot, d].</param>
    protected abstract double[] Answer(int[] slots, Tensor queries);

    protected sealed override void Read(int slot, long position)
    {
        _getFeatures(ref _features);
        float[] features = [.. _features.DenseValues()];
        _missing[slot] = !Array.TrueForAll(features, float.IsFinite) | !ReadMore(slot, position);
        if (!_missing[slot]) Settings.Scaling.Scale(features, _queries.AsSpan(slot * Dimension, Dimension));
    }

    protected sealed override int TokensOf(int slot) => 1;

    protected sealed override void Compute(int first, int count)
    {
        _host.CheckAlive();
        int[] slots = [.. Enumerable.Range(first, count).Where(slot => !_missing[slot])];
        if (slots.Length == 0) return;
        using var scope = NewDisposeScope();
        double[] answers = Answer(slots, tensor([.. slots.SelectMany(slot => _queries.AsSpan(slot * Dimension, Dimension).ToArray())], [slots.Length, Dimension]));
        for (int i = 0; i < slots.Length; i++) _scores[slots[i]] = Settings.Scaling.Unscale(answers[i]);
    }
}

/// <summary>All rows have the same demonstrations: they stand behind them as queries that do not see each other.</summary>
internal sealed class SupportSetRowBatch(DataViewRow source, InContextRegressionSettings settings, BatchLimits limits, InContextRegressor regressor, IHost host)
    : RegressionRowBatch(source, settings, limits, regressor, host)
{
    protected override double[] Answer(int[] slots, Tensor queries)
    {
        int draws = Settings.SupportLabels!.Length, size = Settings.SupportLabels[0].Length, features = Settings.Scaling.Features;
        var x = tensor([.. Settings.SupportFeatures!.SelectMany(f => f)], [draws, size, features]);
        var padding = zeros([draws, size, Dimension - features]);
        var y = tensor([.. Settings.SupportLabels.SelectMany(l => l)], [draws, size]);
        var answers = Regressor.Answer(cat([x, padding], 2), y, queries.unsqueeze(0).expand(draws, -1, -1)); // [draw, slot]
        return answers.to_type(ScalarType.Float64).mean([0]).data<double>().ToArray();
    }
}

/// <summary>Each row brings its own demonstrations, features one after the other and labels.</summary>
internal sealed class OwnDemonstrationsRowBatch : RegressionRowBatch
{
    private readonly DemonstrationReader _reader;
    private readonly (float[] Features, float[] Labels)[] _demonstrations; // scaled and padded

    public OwnDemonstrationsRowBatch(DataViewRow source, InContextRegressionSettings settings, BatchLimits limits, InContextRegressor regressor, IHost host)
        : base(source, settings, limits, regressor, host)
    {
        _reader = new(source, settings.DemonstrationFeaturesColumnName!, settings.DemonstrationLabelsColumnName!, settings.Scaling.Features);
        _demonstrations = new (float[], float[])[limits.Rows];
    }

    protected override bool ReadMore(int slot, long position)
    {
        var (features, labels) = _reader.Read(position);
        if (!Array.TrueForAll(features, float.IsFinite) || !Array.TrueForAll(labels, float.IsFinite)) return false;
        var scaled = new float[labels.Length * Dimension];
        int width = Settings.Scaling.Features;
        for (int i = 0; i < labels.Length; i++) Settings.Scaling.Scale(features.AsSpan(i * width, width), scaled.AsSpan(i * Dimension, Dimension));
        _demonstrations[slot] = (scaled, [.. labels.Select(Settings.Scaling.Scale)]);
        return true;
    }

    protected override double[] Answer(int[] slots, Tensor queries)
    {
        double[] answers = new double[slots.Length];
        // Rows with equally many demonstrations are computed together.
        foreach (var group in Enumerable.Range(0, slots.Length).GroupBy(i => _demonstrations[slots[i]].Labels.Length))
        {
            using var scope = NewDisposeScope();
            int[] members = [.. group];
            int[][] draws = SupportDraws.Of(group.Key, Regressor.Options.Demonstrations, Settings.Draws, Settings.Seed);
            int size = draws[0].Length;
            var x = new List<float>();
            var y = new List<float>();
            foreach (int member in members)
            {
                var (features, labels) = _demonstrations[slots[member]];
                foreach (int i in draws.SelectMany(d => d))
                {
                    x.AddRange(features.AsSpan(i * Dimension, Dimension));
                    y.Add(labels[i]);
                }
            }
            long count = (long)members.Length * draws.Length;
            var query = queries.index_select(0, tensor([.. members.Select(m => (long)m)])).unsqueeze(1).expand(-1, draws.Length, -1).reshape(count, 1, Dimension);
            var found = Regressor.Answer(tensor(x.ToArray(), [count, size, Dimension]), tensor(y.ToArray(), [count, size]), query); // [row * draw, 1]
            double[] means = found.to_type(ScalarType.Float64).view(members.Length, draws.Length).mean([1]).data<double>().ToArray();
            for (int i = 0; i < members.Length; i++) answers[members[i]] = means[i];
        }
        return answers;
    }
}

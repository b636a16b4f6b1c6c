using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.InContextRegression;
using MlNetIcl.Transforms.Interop;

namespace MlNetIcl.Estimators;

/// <summary>Reads training data once: the sizes of its values, and the demonstrations of a support set. Holds the demonstrations that are used and no more.</summary>
internal sealed class RegressionDataReader(InContextRegressionOptions options, InContextRegressorOptions regressor, int width, int seed)
{
    private readonly MomentSum[] _features = new MomentSum[width];
    private MomentSum _label;
    private long _read, _left;

    public InContextRegressionSettings Read(IDataView input, StageRun run)
    {
        var support = options.DemonstrationFeaturesColumnName is null ? ReadSupport(input) : null;
        if (support is null) ReadDemonstrations(input);
        if (_left > 0) run.Warn($"{_left} rows were left out, as a feature or label of them is no finite number.");
        if (_read == 0) throw new InvalidOperationException("There is no row to learn from: each has a feature or label that is no finite number, or there is none.");
        var scaling = options.Standardize ? RegressionScaling.Of(_features, _label, regressor) : RegressionScaling.Identity(width);
        var settings = new InContextRegressionSettings
        {
            FeatureColumnName = options.FeatureColumnName,
            DemonstrationFeaturesColumnName = options.DemonstrationFeaturesColumnName,
            DemonstrationLabelsColumnName = options.DemonstrationLabelsColumnName,
            Draws = options.Draws,
            Seed = seed,
            BatchRows = options.BatchRows,
            Scaling = scaling,
        };
        if (support is null) return settings;
        int[][] draws = SupportDraws.Of(support.Count, regressor.Demonstrations, options.Draws, seed);
        return settings with
        {
            SupportFeatures = [.. draws.Select(draw => draw.SelectMany(i => Scaled(scaling, support[i].Features)).ToArray())],
            SupportLabels = [.. draws.Select(draw => draw.Select(i => scaling.Scale(support[i].Label)).ToArray())],
        };
    }

    /// <summary>As many rows as all draws together take, each of the data's alike likely (Vitter 1985, algorithm R).</summary>
    private List<(float[] Features, float Label)> ReadSupport(IDataView input)
    {
        var (featureColumn, labelColumn) = (input.Schema[options.FeatureColumnName], input.Schema[options.LabelColumnName]);
        using var cursor = input.GetRowCursor([featureColumn, labelColumn]);
        var (getFeatures, getLabel) = (cursor.GetGetter<VBuffer<float>>(featureColumn), cursor.GetGetter<float>(labelColumn));
        var random = new SeededRandom(seed, RandomStream.SupportDraw);
        int most = regressor.Demonstrations * options.Draws;
        var kept = new List<(float[], float)>();
        VBuffer<float> buffer = default;
        float label = 0;
        while (cursor.MoveNext())
        {
            getFeatures(ref buffer);
            getLabel(ref label);
            float[] features = [.. buffer.DenseValues()];
            if (!TryAdd(features, label)) continue;
            if (kept.Count < most) kept.Add((features, label));
            else if (random.NextDouble() * _read < most) kept[random.Next(most)] = (features, label);
        }
        return kept;
    }

    private void ReadDemonstrations(IDataView input)
    {
        DataViewSchema.Column Column(string name) => input.Schema[name];
        using var cursor = input.GetRowCursor([Column(options.DemonstrationFeaturesColumnName!), Column(options.DemonstrationLabelsColumnName!)]);
        var reader = new DemonstrationReader(cursor, options.DemonstrationFeaturesColumnName!, options.DemonstrationLabelsColumnName!, width);
        while (cursor.MoveNext())
        {
            var (features, labels) = reader.Read(cursor.Position);
            for (int i = 0; i < labels.Length; i++) TryAdd(features[(i * width)..((i + 1) * width)], labels[i]);
        }
    }

    private bool TryAdd(float[] features, float label)
    {
        if (!float.IsFinite(label) || !Array.TrueForAll(features, float.IsFinite))
        {
            _left++;
            return false;
        }
        _read++;
        for (int i = 0; i < width; i++) _features[i].Add(features[i]);
        _label.Add(label);
        return true;
    }

    private static float[] Scaled(RegressionScaling scaling, float[] features)
    {
        float[] scaled = new float[features.Length];
        scaling.Scale(features, scaled);
        return scaled;
    }
}

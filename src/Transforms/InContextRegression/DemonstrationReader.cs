using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetIcl.Transforms.InContextRegression;

/// <summary>Reads a row's own demonstrations.</summary>
/// <param name="source">The row.</param>
/// <param name="featuresColumn">Holds the features of one demonstration after the other.</param>
/// <param name="labelsColumn">Holds their labels.</param>
/// <param name="width">Features of one demonstration.</param>
internal sealed class DemonstrationReader(DataViewRow source, string featuresColumn, string labelsColumn, int width)
{
    private readonly ValueGetter<VBuffer<float>> _getFeatures = source.GetGetter<VBuffer<float>>(source.Schema[featuresColumn]);
    private readonly ValueGetter<VBuffer<float>> _getLabels = source.GetGetter<VBuffer<float>>(source.Schema[labelsColumn]);
    private VBuffer<float> _features, _labels;

    /// <summary>The current row's demonstrations [demonstration * feature], [demonstration]; there may be none.</summary>
    /// <param name="position">The row's number, for messages.</param>
    /// <exception cref="InvalidDataException">There are not as many features as the labels ask for.</exception>
    public (float[] Features, float[] Labels) Read(long position)
    {
        _getFeatures(ref _features);
        _getLabels(ref _labels);
        if (_features.Length != _labels.Length * width)
            throw new InvalidDataException($"Row {position}: column '{labelsColumn}' has {_labels.Length} labels, so that column '{featuresColumn}' must hold {_labels.Length} times {width} features, one demonstration after the other; it holds {_features.Length}.");
        return ([.. _features.DenseValues()], [.. _labels.DenseValues()]);
    }
}

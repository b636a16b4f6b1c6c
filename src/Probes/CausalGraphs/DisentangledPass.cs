using System.Numerics;
using static MlNetIcl.Probes.LaneMath;

namespace MlNetIcl.Probes;

/// <summary>
/// Forward and backward pass of a two-layer disentangled transformer (Nichani, Damian &amp; Lee 2024, section 3), as many rows at once as a vector has
/// lanes. Exact, and lean as nothing is multiplied that is known to be zero: positions are one-hot, and layer 2 has the queries alone that are
/// predicted from. Owns its buffers; not thread-safe.
/// </summary>
/// <remarks>
/// A residual after layer 1 is kept without its one-hot position, which its row implies: [token; each head's token average, attention].
/// A query whose token is to be predicted has zeros for a token. Buffer rows are the positions as keys, then the queries.
/// </remarks>
internal sealed class DisentangledPass
{
    public static readonly int Lanes = Vector<float>.Count;

    private readonly DisentangledShape _shape;
    private readonly int _keys, _rows, _content;
    private readonly Vector<float>[] _residual, _residualGradient; // [row, content]
    private readonly Vector<float>[] _first, _second, _output; // gradients of the weights, lane by lane
    private readonly Vector<float>[] _scores, _projected, _projectedGradient, _read, _readGradient, _attention2, _logits, _scoreGradient;

    public DisentangledPass(DisentangledShape shape)
    {
        _shape = shape;
        _keys = shape.Length - 1;
        _rows = _keys + shape.Queries;
        _content = shape.Vocabulary + (shape.Heads * shape.Input);
        (_residual, _residualGradient) = (new Vector<float>[_rows * _content], new Vector<float>[_rows * _content]);
        (_first, _second, _output) = (new Vector<float>[shape.FirstCount], new Vector<float>[shape.SecondCount], new Vector<float>[shape.OutputCount]);
        _scores = new Vector<float>[shape.Input];
        (_projected, _projectedGradient) = (new Vector<float>[shape.Middle], new Vector<float>[shape.Middle]);
        (_read, _readGradient) = (new Vector<float>[_content], new Vector<float>[_content]);
        (_attention2, _scoreGradient) = (new Vector<float>[shape.Length], new Vector<float>[shape.Length]);
        _logits = new Vector<float>[shape.Vocabulary];
    }

    /// <summary>Adds the gradient of the mean loss to <paramref name="gradient"/>.</summary>
    /// <returns>The mean loss over rows and queries, in nats.</returns>
    public double Backward(DisentangledWeights<float> weights, CausalRows rows, DisentangledWeights<float> gradient)
    {
        Array.Clear(_first);
        Array.Clear(_second);
        Array.Clear(_output);
        double loss = Run(weights, rows, backward: true, predictions: default);
        float scale = 1f / (rows.Count * _shape.Queries);
        Reduce(_first, scale, gradient.First);
        Reduce(_second, scale, gradient.Second);
        Reduce(_output, scale, gradient.Output);
        return loss;
    }

    /// <summary>The mean loss over rows and queries, in nats, and the predicted distributions where room for them is given.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="predictions">Gets [row, query, value]; may be empty.</param>
    public double Forward(DisentangledWeights<float> weights, CausalRows rows, Span<float> predictions = default) => Run(weights, rows, backward: false, predictions);

    /// <summary>The attention of layer 1 on rows, at positions as keys, [row, head, query, key]; of the last position as a query.</summary>
    public float[] Attention(DisentangledWeights<float> weights, CausalRows rows)
    {
        int length = _shape.Length;
        float[] attention = new float[rows.Count * _shape.Heads * length * length];
        for (int start = 0; start < rows.Count; start += Lanes)
        {
            Load(rows, start);
            for (int position = 0; position < length; position++)
                for (int head = 0; head < _shape.Heads; head++)
                {
                    int row = position < _keys ? position : _rows - 1;
                    AttendFirst(weights, row, head);
                    for (int key = 0; key <= position; key++)
                        for (int lane = 0; lane < Lanes && start + lane < rows.Count; lane++)
                            attention[((((((start + lane) * _shape.Heads) + head) * length) + position) * length) + key] = AttentionOf(_residual, row, head)[key][lane];
                }
        }
        return attention;
    }

    private double Run(DisentangledWeights<float> weights, CausalRows rows, bool backward, Span<float> predictions)
    {
        double loss = 0;
        for (int start = 0; start < rows.Count; start += Lanes)
        {
            int lanes = Math.Min(Lanes, rows.Count - start);
            Load(rows, start);
            for (int row = 0; row < _rows; row++)
                for (int head = 0; head < _shape.Heads; head++) AttendFirst(weights, row, head);
            if (backward) Array.Clear(_residualGradient);
            for (int query = 0; query < _shape.Queries; query++)
            {
                AttendSecond(weights, query);
                Predict(weights, query);
                loss += Loss(rows, start, lanes, query);
                Softmax(_logits);
                for (int lane = 0; lane < lanes && !predictions.IsEmpty; lane++)
                    for (int value = 0; value < _logits.Length; value++) predictions[(((((start + lane) * _shape.Queries) + query) * _logits.Length) + value)] = _logits[value][lane];
                if (backward) BackwardQuery(weights, rows, start, lanes, query);
            }
            for (int row = 0; backward && row < _rows; row++)
                for (int head = 0; head < _shape.Heads; head++) BackwardFirst(row, head);
        }
        return loss / (rows.Count * _shape.Queries);
    }

    private int PositionOf(int row) => row < _keys ? row : _shape.PositionOf(row - _keys);

    /// <summary>The buffer row of a key that a row at a position sees: itself at its own position.</summary>
    private static int KeyRow(int key, int row, int position) => key == position ? row : key;

    private Span<Vector<float>> ContentOf(Vector<float>[] residual, int row) => residual.AsSpan(row * _content, _content);

    private Span<Vector<float>> TokenOf(int row) => _residual.AsSpan(row * _content, _shape.Vocabulary);

    private Span<Vector<float>> AverageOf(Vector<float>[] residual, int row, int head) =>
        residual.AsSpan((row * _content) + _shape.Vocabulary + (head * _shape.Input), _shape.Vocabulary);

    private Span<Vector<float>> AttentionOf(Vector<float>[] residual, int row, int head) =>
        residual.AsSpan((row * _content) + _shape.Vocabulary + (head * _shape.Input) + _shape.Vocabulary, PositionOf(row) + 1);

    /// <summary>The feature of a content index: the one-hot position, which is left out, stands after the token.</summary>
    private int Feature(int content) => content < _shape.Vocabulary ? content : content + _shape.Length;

    private void Load(CausalRows rows, int start)
    {
        Array.Clear(_residual);
        for (int lane = 0; lane < Lanes && start + lane < rows.Count; lane++)
        {
            var tokens = rows.Row(start + lane);
            for (int row = 0; row < _rows; row++)
                if ((row < _keys ? tokens[row] : _shape.TokenOf(row - _keys, tokens)) is { } token)
                {
                    ref var hot = ref TokenOf(row)[token];
                    hot = hot.WithElement(lane, 1);
                }
        }
    }

    private void AttendFirst(DisentangledWeights<float> weights, int row, int head)
    {
        int position = PositionOf(row), vocabulary = _shape.Vocabulary;
        var scores = _scores.AsSpan(0, vocabulary + position + 1); // by the key's feature
        scores.Clear();
        var matrix = weights.First.Slice(head * _shape.Input * _shape.Input, _shape.Input * _shape.Input);
        Add(scores, Vector<float>.One, matrix[((vocabulary + position) * _shape.Input)..]);
        var token = TokenOf(row);
        for (int value = 0; value < vocabulary; value++) Add(scores, token[value], matrix[(value * _shape.Input)..]);

        var attention = AttentionOf(_residual, row, head);
        for (int key = 0; key <= position; key++) attention[key] = scores[vocabulary + key] + Dot(TokenOf(KeyRow(key, row, position)), scores[..vocabulary]);
        Softmax(attention);
        var average = AverageOf(_residual, row, head);
        average.Clear();
        for (int key = 0; key <= position; key++) Add(average, attention[key], TokenOf(KeyRow(key, row, position)));
    }

    private void BackwardFirst(int row, int head)
    {
        int position = PositionOf(row), vocabulary = _shape.Vocabulary;
        var gradient = AttentionOf(_residualGradient, row, head);
        var average = AverageOf(_residualGradient, row, head);
        for (int key = 0; key <= position; key++) gradient[key] += Dot(TokenOf(KeyRow(key, row, position)), average);
        SoftmaxBackward(AttentionOf(_residual, row, head), gradient);

        var scores = _scores.AsSpan(0, vocabulary + position + 1);
        scores.Clear();
        for (int key = 0; key <= position; key++) Add(scores[..vocabulary], gradient[key], TokenOf(KeyRow(key, row, position)));
        gradient.CopyTo(scores[vocabulary..]);
        var matrix = _first.AsSpan(head * _shape.Input * _shape.Input, _shape.Input * _shape.Input);
        Add(matrix.Slice((vocabulary + position) * _shape.Input, scores.Length), scores);
        var token = TokenOf(row);
        for (int value = 0; value < vocabulary; value++) Add(matrix.Slice(value * _shape.Input, scores.Length), token[value], scores);
    }

    private void AttendSecond(DisentangledWeights<float> weights, int query)
    {
        int row = _keys + query, position = PositionOf(row), middle = _shape.Middle;
        var own = ContentOf(_residual, row);
        Array.Clear(_projected);
        Add(_projected, Vector<float>.One, weights.Second.Slice((_shape.Vocabulary + position) * middle, middle));
        for (int i = 0; i < _content; i++) Add(_projected, own[i], weights.Second.Slice(Feature(i) * middle, middle));

        var attention = _attention2.AsSpan(0, position + 1);
        for (int key = 0; key <= position; key++) attention[key] = _projected[_shape.Vocabulary + key] + DotContent(ContentOf(_residual, KeyRow(key, row, position)), _projected);
        Softmax(attention);
        Array.Clear(_read);
        for (int key = 0; key <= position; key++) Add(_read, attention[key], ContentOf(_residual, KeyRow(key, row, position)));
    }

    /// <summary>The product of a content with a vector over all features.</summary>
    private Vector<float> DotContent(ReadOnlySpan<Vector<float>> content, ReadOnlySpan<Vector<float>> features) =>
        Dot(content[.._shape.Vocabulary], features) + Dot(content[_shape.Vocabulary..], features[_shape.Input..]);

    private void Predict(DisentangledWeights<float> weights, int query)
    {
        int row = _keys + query, position = PositionOf(row), vocabulary = _shape.Vocabulary;
        var own = ContentOf(_residual, row);
        Span<float> direct = weights.Output[..(_shape.Middle * vocabulary)], copied = weights.Output[(_shape.Middle * vocabulary)..];
        Array.Clear(_logits);
        Add(_logits, Vector<float>.One, direct[((vocabulary + position) * vocabulary)..]);
        for (int key = 0; key <= position; key++) Add(_logits, _attention2[key], copied[((vocabulary + key) * vocabulary)..]);
        for (int i = 0; i < _content; i++)
        {
            Add(_logits, own[i], direct[(Feature(i) * vocabulary)..]);
            Add(_logits, _read[i], copied[(Feature(i) * vocabulary)..]);
        }
    }

    /// <summary>The cross-entropy of a query, summed over lanes.</summary>
    private double Loss(CausalRows rows, int start, int lanes, int query)
    {
        double loss = 0;
        for (int lane = 0; lane < lanes; lane++)
        {
            float largest = float.NegativeInfinity;
            foreach (var logit in _logits) largest = Math.Max(largest, logit[lane]);
            double sum = 0, chosen = 0;
            for (int value = 0; value < _logits.Length; value++)
            {
                sum += Math.Exp(_logits[value][lane] - largest);
                chosen += Target(rows, start + lane, query, value) * (_logits[value][lane] - largest);
            }
            loss += Math.Log(sum) - chosen;
        }
        return loss;
    }

    private float Target(CausalRows rows, int row, int query, int value) => _shape.Target == CausalTarget.EveryToken
        ? rows.Tokens[(row * rows.Length) + _shape.PositionOf(query)] == value ? 1 : 0
        : rows.Targets[(((row * _shape.Queries) + query) * _shape.Vocabulary) + value];

    private void BackwardQuery(DisentangledWeights<float> weights, CausalRows rows, int start, int lanes, int query)
    {
        int row = _keys + query, position = PositionOf(row), vocabulary = _shape.Vocabulary, middle = _shape.Middle;
        for (int value = 0; value < vocabulary; value++)
        {
            var gradient = Vector<float>.Zero; // lanes without a row have none
            for (int lane = 0; lane < lanes; lane++) gradient = gradient.WithElement(lane, _logits[value][lane] - Target(rows, start + lane, query, value));
            _logits[value] = gradient;
        }

        var own = ContentOf(_residual, row);
        var ownGradient = ContentOf(_residualGradient, row);
        var scores = _scoreGradient.AsSpan(0, position + 1);
        Span<float> direct = weights.Output[..(middle * vocabulary)], copied = weights.Output[(middle * vocabulary)..];
        Span<Vector<float>> directGradient = _output.AsSpan(0, middle * vocabulary), copiedGradient = _output.AsSpan(middle * vocabulary);
        Add(directGradient.Slice((vocabulary + position) * vocabulary, vocabulary), _logits);
        for (int key = 0; key <= position; key++)
        {
            Add(copiedGradient.Slice((vocabulary + key) * vocabulary, vocabulary), _attention2[key], _logits);
            scores[key] = Dot(_logits, copied[((vocabulary + key) * vocabulary)..]);
        }
        for (int i = 0; i < _content; i++)
        {
            int at = Feature(i) * vocabulary;
            Add(directGradient.Slice(at, vocabulary), own[i], _logits);
            Add(copiedGradient.Slice(at, vocabulary), _read[i], _logits);
            ownGradient[i] += Dot(_logits, direct[at..]);
            _readGradient[i] = Dot(_logits, copied[at..]);
        }

        for (int key = 0; key <= position; key++)
        {
            int from = KeyRow(key, row, position);
            scores[key] += Dot(ContentOf(_residual, from), _readGradient);
            Add(ContentOf(_residualGradient, from), _attention2[key], _readGradient);
        }
        SoftmaxBackward(_attention2.AsSpan(0, position + 1), scores);

        Array.Clear(_projectedGradient);
        for (int key = 0; key <= position; key++)
        {
            int from = KeyRow(key, row, position);
            AddContent(_projectedGradient, scores[key], ContentOf(_residual, from));
            _projectedGradient[vocabulary + key] = scores[key];
            var into = ContentOf(_residualGradient, from);
            Add(into[..vocabulary], scores[key], _projected);
            Add(into[vocabulary..], scores[key], _projected.AsSpan(_shape.Input));
        }
        Add(_second.AsSpan((vocabulary + position) * middle, middle), _projectedGradient);
        for (int i = 0; i < _content; i++)
        {
            Add(_second.AsSpan(Feature(i) * middle, middle), own[i], _projectedGradient);
            ownGradient[i] += Dot(_projectedGradient, weights.Second.Slice(Feature(i) * middle, middle));
        }
    }

    private void AddContent(Span<Vector<float>> features, Vector<float> scale, ReadOnlySpan<Vector<float>> content)
    {
        Add(features[.._shape.Vocabulary], scale, content);
        Add(features[_shape.Input..], scale, content[_shape.Vocabulary..]);
    }

    private static void Reduce(Vector<float>[] lanes, float scale, Span<float> to)
    {
        for (int i = 0; i < lanes.Length; i++) to[i] += scale * Vector.Sum(lanes[i]);
    }
}

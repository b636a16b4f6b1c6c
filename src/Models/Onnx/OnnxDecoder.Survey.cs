using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Onnx;

internal sealed partial class OnnxDecoder
{
    private const double Tolerance = 1e-3;

    private string? _logits;

    private OnnxDecoder(OnnxModel model)
    {
        _model = model;
        string file = Path.GetFileName(model.Path);
        var graph = Branches.Resolve(model.Graph);
        var flow = new Dataflow(graph);
        _layers = AttentionFinder.Find(model, flow);
        _surgery = new Surgery(model, graph, _layers);
        _logits = FindLogits(graph);
        _sessions = new OnnxSessions(model, _surgery);
        string[] read = [.. _layers.Select(l => l.Pattern), .. _layers.Select(l => l.Output), .. _logits is null ? (string[])[] : [_logits]];
        _inputs = OnnxInputs.Of(file, _surgery.Extract(read, []), flow);
        Vocabulary = (int)Math.Min(int.MaxValue, _inputs.Embedding.Dims[0]);
        PositionRows = (int?)graph.Nodes.Where(n => n.Is("Gather")).Select(n => flow.ConstantOf(n.Input(0)))
            .FirstOrDefault(t => t is { Dims.Length: 2 } && OnnxType.IsFloat(t.Type) && t.Name != _inputs.Embedding.Name && t.Dims[1] == Width)?.Dims[0];
        Survey(read);
    }

    /// <summary>Number of blocks.</summary>
    public int Layers => _layers.Count;

    /// <summary>Number of query heads in each block.</summary>
    public int Heads { get; private set; }

    /// <summary>Width of a head's output.</summary>
    public int HeadWidth { get; private set; }

    /// <summary>Width of the embeddings.</summary>
    public int Width => (int)_inputs.Embedding.Dims[1];

    /// <summary>Number of token ids.</summary>
    public int Vocabulary { get; private set; }

    /// <summary>The only length of rows that the graph takes; null for any.</summary>
    public int? FixedLength => _inputs.FixedLength;

    /// <summary>Rows of the table of positions, where there is one.</summary>
    public int? PositionRows { get; }

    /// <summary>Elements of all tensors of the graph that hold floating-point numbers, in any packing.</summary>
    public long ParameterCount => _model.Graph.Initializers.Values.Where(t => OnnxType.IsFloat(t.Type)).Sum(t => t.Count);

    /// <summary>The files that decide what the model computes.</summary>
    public IEnumerable<string> Files => [Path.GetFileName(_model.Path), .. _model.DataFiles, .. ((string[])["config.json", "tokenizer.json", "tokenizer_config.json"]).Where(name => File.Exists(Path.Combine(_model.Folder, name)))];

    /// <summary>The nodes that compute attention, and the values that hold its weights, layer by layer.</summary>
    public IReadOnlyList<ExposedAttention> Attention => [.. _layers.Select((layer, i) => new ExposedAttention(i, layer.Node.Label, _surgery.OutputOf(layer.Pattern)))];

    /// <summary>The tensors of the file.</summary>
    public IReadOnlyList<TensorDescription> Tensors => [.. _model.Graph.Initializers.Values.Select(t => new TensorDescription(t.Name, OnnxType.Name(t.Type), t.Dims))];

    /// <summary>The kinds of sites that the graph gives.</summary>
    public IReadOnlyList<SiteKind> Sites => _logits is null ? [SiteKind.Pattern, SiteKind.Z] : [SiteKind.Pattern, SiteKind.Z, SiteKind.Logits];

    /// <summary>Opens a file and runs it once on a few tokens, to learn shapes and to check that what was found is the attention of a causal decoder.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelFormatException">The file is damaged, or ONNX Runtime refuses it.</exception>
    /// <exception cref="UnsupportedModelException">The graph is no causal decoder whose attention can be found; the message names what is in the way.</exception>
    public static OnnxDecoder Open(string path)
    {
        var model = OnnxModel.Open(path);
        try
        {
            return new OnnxDecoder(model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The output that holds the logits: the one of that name, else the only one of three axes that is not part of a past.</summary>
    private static string? FindLogits(OnnxGraph graph)
    {
        var outputs = graph.Outputs.Where(o => (o.Type == 0 || OnnxType.IsFloat(o.Type)) && (o.Shape is null || o.Shape.Count == 3)).ToArray();
        return (Array.Find(outputs, o => o.Name == "logits")
            ?? Array.Find(outputs, o => o.Name.Contains("logits", StringComparison.OrdinalIgnoreCase))
            ?? (outputs.Length == 1 ? outputs[0] : null))?.Name;
    }

    private void Survey(string[] read)
    {
        var session = _sessions.Get(read, []);
        try
        {
            if (FindTypes(session, read))
            {
                _sessions.Clear();
                session.Dispose();
                session = _sessions.Get(read, []);
            }
            FindShapes(session);
            Check(session);
        }
        finally
        {
            session.Dispose();
        }
    }

    /// <summary>Whether any value is not float32, so that it is to be cast.</summary>
    private bool FindTypes(OnnxSession session, string[] read)
    {
        bool others = false;
        foreach (string value in read)
        {
            int type = session.TypeOf(value);
            if (!OnnxType.IsFloat(type)) throw new UnsupportedModelException($"'{FileName}': the value '{value}' is {OnnxType.Name(type)}, not of a floating-point type.");
            _surgery.SetType(value, type);
            others |= type != OnnxType.Float;
        }
        return others;
    }

    private void FindShapes(OnnxSession session)
    {
        if (_inputs.FixedLength == 1) throw new UnsupportedModelException($"'{FileName}' takes one token at a time. Export the graph for whole prompts, with the length of rows as a dynamic axis.");
        // Numbers that no model has by chance at the same axes.
        int batch = _inputs.FixedBatch ?? 2, length = _inputs.FixedLength ?? 5;
        var feeds = _inputs.Feed(Rows(batch, length), batch, length, session.HasInput);
        string[] values = [.. _layers.Select(l => l.Pattern), .. _layers.Select(l => l.Output), .. _logits is null ? (string[])[] : [_logits]];
        OrtValue[] results = [];
        try
        {
            results = session.Run(feeds, [.. values.Select(value => (_surgery.OutputOf(value), (OrtValue?)null))], CancellationToken.None);
            for (int i = 0; i < values.Length; i++)
            {
                long[] shape = results[i].GetTensorTypeAndShape().Shape;
                if (i < Layers) AddPattern(i, shape, batch, length);
                else if (i < 2 * Layers) AddOutput(i - Layers, shape, batch, length);
                else AddLogits(shape, batch, length);
            }
        }
        finally
        {
            foreach (var result in results) result.Dispose();
            foreach (var (_, value) in feeds) value.Dispose();
        }
    }

    private void AddPattern(int layer, long[] shape, int batch, int length)
    {
        long heads = shape.Length < 3 || shape[0] % batch != 0 ? 0 : shape[..^2].Aggregate(1L, (a, b) => a * b) / batch;
        if (heads == 0 || shape[^1] != length || shape[^2] != length)
            throw Refused(layer, $"gives weights of shape {Models.Shapes.Show(shape)} for {batch} rows of {length} tokens; expected [batch, head, query, key]");
        if (layer > 0 && heads != Heads) throw Refused(layer, $"has {heads} heads, and the layer before {Heads}; layers with as many heads each are supported");
        Heads = (int)heads;
        _layouts[Site.Pattern(layer)] = new(_layers[layer].Pattern, [new(shape[0] / batch, IsBatch: true), .. shape[1..^2].Select(size => new SiteAxis(size)), new(1, IsPosition: true), new(1, IsPosition: true)])
        {
            Shape = (rows, pos) => [rows, Heads, pos, pos],
            Positions = [2, 3],
        };
    }

    private void AddOutput(int layer, long[] shape, int batch, int length)
    {
        bool headsFirst = _layers[layer].Layout == HeadLayout.HeadsFirst || (_layers[layer].IsOperator && shape.Length == 4);
        long count = shape.Aggregate(1L, (a, b) => a * b), width = count / ((long)batch * length * Heads);
        bool fits = count == width * batch * length * Heads && shape.Length >= 3
            && (headsFirst ? shape[0] % batch == 0 && shape[^2] == length && shape[^1] == width : shape[0] == batch && shape[1] == length);
        if (!fits || (layer > 0 && width != HeadWidth))
            throw Refused(layer, $"gives head outputs of shape {Models.Shapes.Show(shape)} for {batch} rows of {length} tokens and {Heads} heads");
        HeadWidth = (int)width;
        var rest = shape[1..].Select((size, i) => i + 1 == (headsFirst ? shape.Length - 2 : 1) ? new SiteAxis(1, IsPosition: true) : new(size));
        _layouts[Site.Z(layer)] = new(_layers[layer].Output, [new(shape[0] / batch, IsBatch: true), .. rest])
        {
            Shape = headsFirst ? (rows, pos) => [rows, Heads, pos, HeadWidth] : (rows, pos) => [rows, pos, Heads, HeadWidth],
            Positions = [headsFirst ? 2 : 1],
            IsTransposed = headsFirst,
        };
    }

    /// <summary>Some graphs give hidden states, or logits of the last position alone: those then have no logits here.</summary>
    private void AddLogits(long[] shape, int batch, int length)
    {
        bool areLogits = shape.Length == 3 && shape[0] == batch && shape[1] == length && (shape[2] == Vocabulary || shape[2] != Width);
        if (!areLogits)
        {
            _logits = null;
            return;
        }
        long width = shape[2];
        Vocabulary = (int)Math.Min(Vocabulary, width);
        _layouts[Site.Logits] = new(_logits!, [new(1, IsBatch: true), new(1, IsPosition: true), new(width)])
        {
            Shape = (rows, pos) => [rows, pos, width],
            Positions = [1],
        };
    }

    /// <summary>Weights must be a distribution over positions up to the query's; and whether a row depends on its neighbours decides how rows are run.</summary>
    private void Check(OnnxSession session)
    {
        using var scope = NewDisposeScope();
        int length = Math.Min(_inputs.FixedLength ?? 5, 5), shorter = Math.Min(length, 3);
        int[][] rows = [Rows(1, length)[0], Rows(2, shorter)[1]];
        Site[] sites = [.. _layouts.Keys];
        var together = Values(session, new TokenBatch(rows), sites, [], null, CancellationToken.None);
        for (int layer = 0; layer < Layers; layer++)
        {
            var pattern = together[Site.Pattern(layer)].narrow(0, 0, 1);
            if (!pattern.isfinite().all().item<bool>())
                throw new ModelFormatException($"'{FileName}': the attention weights of node {_layers[layer].Node.Label} are not finite. The weights hold NaN or infinity, or overflow in their precision.");
            if (pattern.triu(1).abs().max().item<float>() > Tolerance)
                throw Refused(layer, "looks at tokens that come later: this is no causal decoder");
            if (pattern.min().item<float>() < -Tolerance || pattern.sum(-1).max().item<float>() > 1 + (10 * Tolerance))
                throw Refused(layer, "gives weights that are no shares of attention");
        }
        if (_inputs.FixedBatch is null)
        {
            var alone = Values(session, new TokenBatch([rows[1]]), sites, [], null, CancellationToken.None);
            _rowsAlone = sites.Any(site => !SameRow(site, together[site].narrow(0, 1, 1), alone[site], shorter));
        }
    }

    /// <summary>Whether a row's values by itself are those that it has beside a longer one.</summary>
    private static bool SameRow(Site site, Tensor together, Tensor alone, int length)
    {
        var own = site.Kind == SiteKind.Pattern ? together.narrow(2, 0, length).narrow(3, 0, length) : together.narrow(1, 0, length);
        return ((own - alone).abs() / alone.abs().clamp(min: Kept.One)).max().item<float>() < 10 * Tolerance;
    }

    private int[][] Rows(int count, int length)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary)).ToArray())];
    }

    private string FileName => Path.GetFileName(_model.Path);

    private UnsupportedModelException Refused(int layer, string why) => new($"'{FileName}': node {_layers[layer].Node.Label} {why}.");
}

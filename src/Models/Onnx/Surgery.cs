namespace MlNetIcl.Models.Onnx;

/// <summary>
/// Changes a graph so that it gives its attention weights, head outputs and logits, and takes others in their place. The nodes of the file stay
/// as they are, but for those whose output is taken.
/// </summary>
internal sealed class Surgery
{
    // Tensors below this size are as well carried along.
    private const int SmallTensor = 1024;

    private readonly OnnxModel _model;
    private readonly OnnxGraph _graph;
    private readonly IReadOnlyList<Attention> _layers;
    private readonly Dictionary<string, int> _types = new(StringComparer.Ordinal);

    /// <param name="model">The file.</param>
    /// <param name="graph">Its graph, or the part of it that is run.</param>
    /// <param name="layers">The graph's attention.</param>
    public Surgery(OnnxModel model, OnnxGraph graph, IReadOnlyList<Attention> layers) => (_model, _graph, _layers) = (model, graph, layers);

    /// <summary>Tells the element type of a value, once it is known. Before that it is taken for float32.</summary>
    public void SetType(string value, int type) => _types[value] = type;

    /// <summary>The value that a site's own becomes readable as.</summary>
    public string OutputOf(string value) => TypeOf(value) == OnnxType.Float ? value : value + "/float32";

    public static string ScaleOf(Site site) => site + ".scale";

    public static string ShiftOf(Site site) => site + ".shift";

    public string ValueOf(Site site) => site.Kind == SiteKind.Pattern ? _layers[site.Layer].Pattern : _layers[site.Layer].Output;

    /// <summary>Why a site's value cannot be replaced, or null if it can.</summary>
    public string? WhyNotReplaced(Site site) => site.Kind == SiteKind.Pattern && _layers[site.Layer].IsOperator
        ? $"node {_layers[site.Layer].Node.Label} computes attention weights and head outputs in one, so that the weights can be read and not replaced" : null;

    /// <summary>The graph that gives some of its values as float32 outputs, and nothing that they do not need.</summary>
    /// <param name="outputs">The values.</param>
    /// <param name="replaced">Sites whose value v becomes v * scale + shift, by two new inputs that broadcast to it: 1 and 0 leave it, 0 and a value replace it.</param>
    public OnnxGraph Extract(IReadOnlyCollection<string> outputs, IReadOnlyCollection<Site> replaced)
    {
        var nodes = Nodes(_layers.Where(layer => outputs.Contains(layer.Pattern)));
        List<OnnxValue> inputs = [.. _graph.Inputs];
        foreach (var site in replaced)
        {
            if (WhyNotReplaced(site) is { } why) throw new UnsupportedModelException($"Site '{site}' of '{Path.GetFileName(_model.Path)}' cannot be replaced: {why}.");
            Replace(nodes, inputs, site);
        }
        var exposed = outputs.Select(value => Expose(nodes, value)).ToArray();
        return Detached(_graph.With(nodes, inputs: inputs, outputs: exposed, values: Declared(_layers.Where(layer => outputs.Contains(layer.Pattern))).DistinctBy(v => v.Name).ToDictionary(v => v.Name)).Pruned());
    }

    /// <summary>The whole graph with the attention weights as further outputs, and their names, layer by layer.</summary>
    /// <param name="rankOf">The number of axes of a layer's weights; ML.NET reads no output without one.</param>
    public (OnnxGraph Graph, IReadOnlyList<string> Names) Exposed(Func<string, int> rankOf)
    {
        var nodes = Nodes(_layers);
        List<OnnxValue> outputs = [.. _graph.Outputs];
        var names = new List<string>();
        foreach (var layer in _layers)
        {
            var output = Expose(nodes, layer.Pattern);
            names.Add(output.Name);
            if (outputs.All(o => o.Name != output.Name)) outputs.Add(OnnxValue.Create(output.Name, OnnxType.Float, rankOf(layer.Pattern)));
        }
        HashSet<string> given = [.. outputs.Select(o => o.Name)];
        var values = _graph.Values.Values.Concat(Declared(_layers)).Where(v => !given.Contains(v.Name)).DistinctBy(v => v.Name);
        return (_graph.With(nodes, outputs: outputs, values: values.ToDictionary(v => v.Name)), names);
    }

    private static IEnumerable<OnnxValue> Declared(IEnumerable<Attention> readable) => readable.SelectMany(layer => layer.Declared);

    private List<OnnxNode> Nodes(IEnumerable<Attention> readable)
    {
        var operators = readable.Where(layer => layer.IsOperator).ToDictionary(layer => layer.Node);
        return [.. _graph.Nodes.SelectMany(node => operators.TryGetValue(node, out var attention) ? AttentionOperators.WithWeights(attention) : [node])];
    }

    /// <summary>Puts v * scale + shift between the node that makes v and all that read it, under the old name.</summary>
    private void Replace(List<OnnxNode> nodes, List<OnnxValue> inputs, Site site)
    {
        string value = ValueOf(site), own = value + "/own", scaled = value + "/scaled", scale = ScaleOf(site), shift = ShiftOf(site);
        int at = nodes.FindIndex(node => node.Outputs.Contains(value));
        nodes[at] = nodes[at].With([.. nodes[at].Outputs.Select(output => output == value ? own : output)]);
        inputs.Add(OnnxValue.Create(scale, OnnxType.Float));
        inputs.Add(OnnxValue.Create(shift, OnnxType.Float));
        List<OnnxNode> added = [];
        if (TypeOf(value) is not OnnxType.Float and var type)
        {
            added.Add(OnnxNode.Create("Cast", [scale], [scale + "/cast"], ("to", type)));
            added.Add(OnnxNode.Create("Cast", [shift], [shift + "/cast"], ("to", type)));
            (scale, shift) = (scale + "/cast", shift + "/cast");
        }
        added.Add(OnnxNode.Create("Mul", [own, scale], [scaled]));
        added.Add(OnnxNode.Create("Add", [scaled, shift], [value]));
        nodes.InsertRange(at + 1, added);
    }

    private OnnxValue Expose(List<OnnxNode> nodes, string value)
    {
        string output = OutputOf(value);
        if (output != value && nodes.All(node => !node.Outputs.Contains(output))) nodes.Add(OnnxNode.Create("Cast", [value], [output], ("to", OnnxType.Float)));
        return OnnxValue.Create(output);
    }

    /// <summary>The graph with its large tensors left in the file, from where the runtime maps them: no copy is made, and sessions share them.</summary>
    private OnnxGraph Detached(OnnxGraph graph) => graph.With(initializers: graph.Initializers.ToDictionary(i => i.Key, i =>
        i.Value.Data.Length >= SmallTensor && _model.OffsetOf(i.Value.Data) is { } offset
            ? i.Value.MoveTo(new(Path.GetFileName(_model.Path), offset, i.Value.Data.Length)) : i.Value));

    private int TypeOf(string value) => _types.GetValueOrDefault(value, OnnxType.Float);
}

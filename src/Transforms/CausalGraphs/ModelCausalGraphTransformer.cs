using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.CausalGraphs;
using MlNetIcl.Transforms.ModelStorage;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(ModelCausalGraphTransformer), null, typeof(SignatureLoadModel), "Causal graph of a model", ModelCausalGraphTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.CausalGraphs;

/// <summary>How much a language model attends, in each row, along each edge of a graph over positions. Made by <c>ProbeCausalGraph</c> with a model.</summary>
/// <remarks>
/// The output has a slot for each pair of positions, <c>X3-&gt;X7</c>: the attention, in [0, 1], of the later position to the earlier one, by the head that has most of it
/// on the rows that were fitted. Annotations, by slot: <c>SlotNames</c>; <c>EdgeAttention</c>, the mean over these rows; <c>IsEdge</c>, 1 for the graph's edges and else 0;
/// <c>EdgeHeads</c>, the head.
/// </remarks>
public sealed class ModelCausalGraphTransformer : ModelTransformer
{
    internal const string LoaderSignature = "IclModelCausalGraph";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(ModelCausalGraphTransformer), "ICLMCAUS", LoaderSignature);

    private readonly ModelCausalGraphSettings _settings;

    internal ModelCausalGraphTransformer(IHostEnvironment environment, ModelCausalGraphSettings settings, ModelLease lease, bool saveWeights = false)
        : base(environment, nameof(ModelCausalGraphTransformer), settings, lease, saveWeights)
    {
        _settings = settings;
        Reading = settings.ToReading(Model.Name);
        foreach (var head in settings.Heads) head.Require(Model.Config);
        Outputs = CausalGraphColumns.Of(settings, Reading, settings.Heads);
    }

    /// <summary>The graph, which reports, JSON and DOT are made from.</summary>
    public CausalGraphReading Reading { get; }

    /// <summary>The graph.</summary>
    public CausalGraph Graph => Reading.Graph;

    /// <summary>The head of each pair, in the order of the slots.</summary>
    public IReadOnlyList<HeadId> Heads => _settings.Heads;

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs { get; }

    private protected override VersionInfo Version => CurrentVersion;

    internal static ModelCausalGraphTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<ModelCausalGraphSettings>();
        return ModelStore.Load(environment, context, lease => new ModelCausalGraphTransformer(environment, settings, lease));
    }

    private protected override void Save(ModelSaveContext context) => SaveWithModel(context, _settings);

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) =>
        new EdgeStrengthRowBatch(source, _settings, limits, _settings.Map.Length, Model.Config.Vocabulary, Model.Config.Context, Host, rows => AttentionGraphReader.Strengths(Model, rows, _settings.Heads));
}

internal sealed record ModelCausalGraphSettings : CausalGraphSettings
{
    /// <summary>Mean attention [query][key], up to the query itself.</summary>
    public required double[][] Map { get; init; }

    /// <summary>The head of each pair.</summary>
    public required HeadId[] Heads { get; init; }

    public required double Threshold { get; init; }

    public required int Rows { get; init; }

    public CausalGraphReading ToReading(string model)
    {
        var map = new EdgeMap(Map);
        return new() { Source = model, Rows = Rows, Map = map, Graph = map.Graph(Threshold), Threshold = Threshold };
    }

    public override void Validate()
    {
        base.Validate();
        if (Map is not { Length: >= 2 and <= CausalGraphLearner.LongestSequence } || Heads is null || Heads.Length != Map.Length * (Map.Length - 1) / 2 || Array.Exists(Map, row => row is null) || !(Threshold is > 0 and <= 1))
            throw new FormatException("The stage's graph is damaged.");
    }
}

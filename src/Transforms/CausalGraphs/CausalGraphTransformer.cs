using System.Text;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.CausalGraphs;
using MlNetIcl.Transforms.Rows;

[assembly: LoadableClass(typeof(CausalGraphTransformer), null, typeof(SignatureLoadModel), "Causal graph", CausalGraphTransformer.LoaderSignature)]

namespace MlNetIcl.Transforms.CausalGraphs;

/// <summary>How strongly each row speaks for each edge of a causal graph that was learned from rows. Made by <c>ProbeCausalGraph</c>.</summary>
/// <remarks>
/// The output has a slot for each pair of positions, <c>X3-&gt;X7</c>: the posterior probability, in [0, 1], that the later position's token came from the earlier one
/// (<see cref="LearnedCausalGraph.Strengths"/>). Annotations, by slot: <c>SlotNames</c>; <c>EdgeAttention</c>, the learned attention; <c>IsEdge</c>, 1 for the graph's edges and else 0;
/// <c>ChildQs</c>, the evidence that the later position has parents. Owns no native memory. See <see cref="BatchTransformer"/> for the rest.
/// </remarks>
public sealed class CausalGraphTransformer : BatchTransformer
{
    internal const string LoaderSignature = "IclCausalGraph";
    private const string GraphFile = "Graph.json";
    private static readonly VersionInfo CurrentVersion = VersionOf(typeof(CausalGraphTransformer), "ICLCAUSA", LoaderSignature);

    private readonly CausalGraphSettings _settings;

    internal CausalGraphTransformer(IHostEnvironment environment, CausalGraphSettings settings, LearnedCausalGraph graph) : base(environment, nameof(CausalGraphTransformer))
    {
        settings.Validate();
        (_settings, Learned) = (settings, graph);
        Outputs = CausalGraphColumns.Of(settings, graph.Reading);
    }

    /// <summary>What was learned.</summary>
    public LearnedCausalGraph Learned { get; }

    /// <summary>The graph and its evidence, which reports, JSON and DOT are made from.</summary>
    public CausalGraphReading Reading => Learned.Reading;

    /// <summary>The graph.</summary>
    public CausalGraph Graph => Reading.Graph;

    internal override BatchLimits Limits => _settings.Limits;

    private protected override IReadOnlyList<InputColumn> Inputs => [InputColumn.TokenIds(_settings.InputColumnName)];

    private protected override IReadOnlyList<DataViewSchema.DetachedColumn> Outputs { get; }

    private protected override VersionInfo Version => CurrentVersion;

    internal static CausalGraphTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        context.CheckAtModel(CurrentVersion);
        var settings = context.ReadSettings<CausalGraphSettings>();
        return new(environment, settings, LearnedCausalGraph.FromJson(Encoding.UTF8.GetString(context.ReadFile(GraphFile))));
    }

    private protected override void Save(ModelSaveContext context)
    {
        context.WriteJson(_settings);
        context.WriteFile(GraphFile, Encoding.UTF8.GetBytes(Learned.ToJson()));
    }

    private protected override RowBatch CreateRowBatch(DataViewRow source, bool[] activeOutputs, BatchLimits limits) =>
        new EdgeStrengthRowBatch(source, _settings, limits, Learned.Length, Learned.Vocabulary, int.MaxValue, Host, rows => [.. Enumerable.Range(0, rows.Count).Select(row => Learned.Strengths(rows[row]))]);
}

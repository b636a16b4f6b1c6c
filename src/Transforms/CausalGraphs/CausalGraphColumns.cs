using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Probes;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Transforms.CausalGraphs;

/// <summary>The columns that both kinds of graph stages add.</summary>
internal static class CausalGraphColumns
{
    /// <summary>The strengths, one slot for each pair, with the graph as annotations; and the reason column where it is wanted.</summary>
    /// <param name="settings">The stage's settings.</param>
    /// <param name="reading">The graph.</param>
    /// <param name="heads">The head of each pair; null where there is but one.</param>
    public static DataViewSchema.DetachedColumn[] Of(StageSettings settings, CausalGraphReading reading, IReadOnlyList<HeadId>? heads = null)
    {
        CausalEdge[] pairs = [.. reading.Pairs];
        var evidence = reading.Evidence.ToDictionary(e => e.Child);
        var annotations = new DataViewSchema.Annotations.Builder()
            .WithSlotNames(pairs.Select(pair => pair.ToString()))
            .WithNumbers("EdgeAttention", pairs.Select(pair => (float)reading.Map[pair.Child, pair.Parent]))
            .WithNumbers("IsEdge", pairs.Select(pair => reading.Graph.Has(pair) ? 1f : 0f));
        if (heads is null) annotations.WithNumbers("ChildQs", pairs.Select(pair => (float)(evidence.TryGetValue(pair.Child, out var of) ? of.Q : double.NaN)));
        else annotations.WithTexts("EdgeHeads", heads.Select(head => head.ToString()));
        var strengths = new DataViewSchema.DetachedColumn(settings.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single, pairs.Length), annotations.ToAnnotations());
        return settings.ReasonColumnName is { } reason ? [strengths, new(reason, TextDataViewType.Instance)] : [strengths];
    }

    /// <summary>Why a row is not one of the graph's; null if it is.</summary>
    public static string? WhyNot(int[] tokens, int length, bool cuts) =>
        tokens.Length == length || (cuts && tokens.Length > length) ? null : $"The row has {tokens.Length} tokens, but the graph has {length} positions.";
}

/// <summary>Settings of the stages.</summary>
internal record CausalGraphSettings : StageSettings
{
    /// <summary>Whether longer rows are read from their beginning, and not refused.</summary>
    public bool CutsLongerRows { get; init; }
}

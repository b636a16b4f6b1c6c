using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>Which sets of heads are ablated for which row of the table. Each different set is computed once.</summary>
internal sealed class CopyAblationPlan
{
    private readonly List<HeadId[]> _sets = [];
    private readonly List<Row> _rows = [];
    private readonly Dictionary<string, int> _known = [];

    /// <param name="Intervention">What is done.</param>
    /// <param name="Head">The head that is given back, where the row is about one.</param>
    /// <param name="Ablated">The heads that are ablated; of a control, those of its first draw.</param>
    /// <param name="Sets">The sets that the row is the mean of; none for the whole model.</param>
    internal sealed record Row(CopyIntervention Intervention, HeadId? Head, IReadOnlyList<HeadId> Ablated, IReadOnlyList<int> Sets);

    public required IReadOnlyList<HeadId> PreviousToken { get; init; }

    public required IReadOnlyList<HeadId> Induction { get; init; }

    public IReadOnlyList<Row> Rows => _rows;

    public IReadOnlyList<HeadId[]> Sets => _sets;

    public static CopyAblationPlan Of(HeadDetectionResult detection, DecoderConfig config, CopyAblationOptions options)
    {
        HeadId[] Detected(HeadKind kind) => [.. detection.Detected(kind).Select(h => new HeadId(h.Layer, h.Head))];
        var plan = new CopyAblationPlan { PreviousToken = Detected(HeadKind.PreviousToken), Induction = Detected(HeadKind.Induction) };
        if (plan.Induction.Count == 0) return plan; // nothing is said to copy
        plan.AddStages();
        if (config.Layers == 2) plan.AddLayers(config);
        var free = detection.Heads.Where(h => Enum.GetValues<HeadKind>().All(kind => h[kind].Verdict != HeadVerdicts.Of(kind))).Select(h => new HeadId(h.Layer, h.Head)).ToLookup(h => h.Layer);
        plan.AddControls(free, options);
        return plan;
    }

    private void AddStages()
    {
        HeadId[] both = [.. PreviousToken.Union(Induction)];
        if (PreviousToken.Count > 0) Add(CopyIntervention.AblatePreviousToken, PreviousToken);
        Add(CopyIntervention.AblateInduction, Induction);
        if (PreviousToken.Count == 0) return;
        Add(CopyIntervention.AblateBoth, both);
        Add(CopyIntervention.RestorePreviousToken, [.. both.Except(PreviousToken)]);
        Add(CopyIntervention.RestoreInduction, [.. both.Except(Induction)]);
        Add(CopyIntervention.RestoreBoth, []);
        foreach (var head in both) Add(CopyIntervention.RestoreHead, [.. both.Except([head])], head);
        foreach (var (own, other) in new[] { (PreviousToken, Induction), (Induction, PreviousToken) })
            foreach (var head in own.Except(other)) Add(CopyIntervention.RestoreHeadBesideOtherSet, [.. own.Except(other).Except([head])], head);
    }

    private void AddLayers(DecoderConfig config)
    {
        var layers = HeadId.All(config).ToLookup(h => h.Layer);
        Add(CopyIntervention.AblateFirstLayer, [.. layers[0]]);
        Add(CopyIntervention.AblateSecondLayer, [.. layers[1]]);
        Add(CopyIntervention.AblateBothLayers, [.. HeadId.All(config)]);
    }

    private void AddControls(ILookup<int, HeadId> free, CopyAblationOptions options)
    {
        var random = new SeededRandom(options.Seed, RandomStream.CopyControls);
        foreach (var (intervention, heads) in new[]
        {
            (CopyIntervention.ControlPreviousToken, PreviousToken), (CopyIntervention.ControlInduction, Induction), (CopyIntervention.ControlBoth, (IReadOnlyList<HeadId>)[.. PreviousToken.Union(Induction)]),
        })
        {
            var wanted = heads.GroupBy(h => h.Layer).Select(g => (Count: g.Count(), Free: free[g.Key].ToArray())).ToArray();
            if (heads.Count == 0 || options.ControlDraws == 0 || wanted.Any(w => w.Free.Length < w.Count)) continue;
            HeadId[][] draws = [.. Enumerable.Range(0, options.ControlDraws).Select(_ => wanted.SelectMany(w =>
            {
                random.DrawToFront(w.Free.AsSpan(), w.Count);
                return w.Free[..w.Count];
            }).Order(HeadOrder).ToArray())];
            _rows.Add(new Row(intervention, null, draws[0], [.. draws.Select(Set).Distinct()]));
        }
    }

    private void Add(CopyIntervention intervention, IReadOnlyList<HeadId> ablated, HeadId? head = null) =>
        _rows.Add(new Row(intervention, head, ablated, ablated.Count == 0 ? [] : [Set(ablated)]));

    private int Set(IReadOnlyList<HeadId> heads)
    {
        string key = string.Join(' ', heads.Order(HeadOrder));
        if (_known.TryGetValue(key, out int set)) return set;
        _known.Add(key, _sets.Count);
        _sets.Add([.. heads]);
        return _sets.Count - 1;
    }

    private static readonly Comparer<HeadId> HeadOrder = Comparer<HeadId>.Create((a, b) => (a.Layer, a.Head).CompareTo((b.Layer, b.Head)));
}

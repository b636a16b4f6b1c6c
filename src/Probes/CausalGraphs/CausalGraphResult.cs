namespace MlNetIcl.Probes;

/// <summary>A moment of a training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Mean loss of the batches since the moment before, in nats.</param>
/// <param name="EdgeAttention">Mean attention of children to their parents.</param>
/// <param name="ArgmaxRight">Share of the positions with parents of whose earlier positions the heads attend most to exactly these.</param>
public sealed record CausalGraphPoint(int Step, double Loss, double EdgeAttention, double ArgmaxRight);

/// <summary>One trained model. Immutable.</summary>
public sealed record CausalGraphRun
{
    /// <summary>Its seed.</summary>
    public required int Seed { get; init; }

    /// <summary>The graph behind its data.</summary>
    public required CausalGraph Graph { get; init; }

    /// <summary>The attention by position of each head of layer 1.</summary>
    public required IReadOnlyList<EdgeMap> Heads { get; init; }

    /// <summary>The graph that is read from it.</summary>
    public required CausalGraph Found { get; init; }

    /// <summary>How well it shows the graph.</summary>
    public required CausalGraphMetrics Metrics { get; init; }

    /// <summary>
    /// Which head takes which parent, [head][first, second, … parent]: mean attention over the positions with the most parents. Empty lists where no
    /// position has a parent.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<double>> HeadParents { get; init; }

    /// <summary>Whether each head has at least half of its attention on a parent that is no other head's.</summary>
    public bool HeadsDivideParents => HeadParents.Count > 0 && HeadParents[0].Count == HeadParents.Count
        && HeadParents.Select(slots => slots.ToList().FindIndex(a => a >= 0.5)) is var taken && taken.All(slot => slot >= 0) && taken.Distinct().Count() == HeadParents.Count;

    /// <summary>The same by threshold, ascending.</summary>
    public required IReadOnlyList<(double Threshold, CausalGraphMetrics Metrics)> ByThreshold { get; init; }

    /// <summary>Loss on fresh rows, in nats.</summary>
    public required double Loss { get; init; }

    /// <summary>Loss of counting what followed the target's parents' values, with the graph known. A model can beat it: roots tell of the kernel, too.</summary>
    public required double CountLoss { get; init; }

    /// <summary>The least loss possible: the entropy of the distribution to predict, in nats.</summary>
    public required double LeastLoss { get; init; }

    /// <summary>Mean information of a child about its parents, in nats: what the data have to learn the edge from. At most ln S; 0 is no dependence.</summary>
    public required double Information { get; init; }

    /// <summary>The training, moment by moment.</summary>
    public required IReadOnlyList<CausalGraphPoint> Curve { get; init; }

    /// <summary>Steps after which, at every measurement, of the positions before each that has parents its heads attend most to exactly these; null where they do not in the end, or no position has parents.</summary>
    public int? StepsToArgmax => StepsTo(p => p.ArgmaxRight >= 1);

    /// <summary>Steps after which, at every measurement, edges have at least half of their children's attention on average; null where they do not in the end.</summary>
    public int? StepsToHalf => StepsTo(p => p.EdgeAttention >= 0.5);

    private int? StepsTo(Func<CausalGraphPoint, bool> reached)
    {
        int? first = null;
        foreach (var point in Curve)
            if (!reached(point)) first = null;
            else first ??= point.Step;
        return first;
    }
}

/// <summary>What <see cref="CausalGraphProbe"/> found. Immutable.</summary>
public sealed record CausalGraphResult
{
    /// <summary>The settings.</summary>
    public required CausalGraphOptions Options { get; init; }

    /// <summary>Heads of layer 1.</summary>
    public required int Heads { get; init; }

    /// <summary>The runs, one for each seed.</summary>
    public required IReadOnlyList<CausalGraphRun> Runs { get; init; }

    /// <summary>Runs in which <see cref="CausalGraphMetrics.ArgmaxRight"/> counts every position with parents.</summary>
    public int AllArgmaxRight => Runs.Count(r => r.Metrics.AllArgmaxRight);

    /// <summary>A mean over the runs that have the value, with its BCa interval (95 %) over runs; null where none has it. The interval of one run is NaN.</summary>
    public Estimate? Mean(Func<CausalGraphRun, double> of)
    {
        ArgumentNullException.ThrowIfNull(of);
        return Estimate.OverRuns(Runs.Select(of), Options.Seed);
    }
}

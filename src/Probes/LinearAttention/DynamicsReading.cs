namespace MlNetIcl.Probes;

/// <summary>What is kept of a moment of a training.</summary>
internal sealed record DynamicsMoment(int Step, double Loss, double TrainingLoss, double[] Learned, HeadSnapshot? Heads);

/// <summary>Reads a training: drops, plateaus, what was learned in which order, and how heads turned to it.</summary>
internal sealed class DynamicsReading
{
    private readonly IReadOnlyList<DynamicsMoment> _moments;
    private readonly LinearTaskTheory _theory;
    private readonly int[][] _groups; // components with equal eigenvalues, the largest first: within them no direction is special

    private DynamicsReading(IReadOnlyList<DynamicsMoment> moments, LinearTaskTheory theory)
    {
        (_moments, _theory) = (moments, theory);
        _groups = [.. Enumerable.Range(0, theory.Lambda.Count).GroupBy(i => Math.Round(theory.Lambda[i], 12)).OrderByDescending(g => g.Key).Select(g => g.ToArray())];
    }

    /// <param name="seed">The training's.</param>
    /// <param name="moments">By ascending step.</param>
    /// <param name="theory">The losses in closed form.</param>
    /// <param name="leastTrainingLoss">The optimum on the sequences.</param>
    /// <param name="leastDrop">What a drop takes at least.</param>
    public static DynamicsRun Of(int seed, IReadOnlyList<DynamicsMoment> moments, LinearTaskTheory theory, double leastTrainingLoss, double leastDrop)
    {
        var reading = new DynamicsReading(moments, theory);
        // The loss that is descended has no ups: a plateau of it is a plateau, which noise of the sequences could hide in the population's.
        var (drops, plateaus) = LossDrops.Of([.. moments.Select(m => m.Step)], [.. moments.Select(m => m.TrainingLoss)], leastDrop);
        return new()
        {
            Seed = seed,
            Points = reading.Points(),
            Drops = [.. drops.Select((at, i) => reading.Drop(at, plateaus[i], plateaus[i + 1]))],
            Plateaus = [.. plateaus.Select(reading.Plateau)],
            LeastTrainingLoss = leastTrainingLoss,
            Converged = false,
        };
    }

    private IReadOnlyList<DynamicsPoint> Points()
    {
        int[] carriers = _moments[^1].Heads is { } end
            ? [.. Enumerable.Range(0, _theory.Lambda.Count).Select(component => Enumerable.Range(0, end.Strength.Length).MaxBy(h => end.Strength[h] * Math.Abs(end.Overlap[h][component])))]
            : [];
        return [.. _moments.Select(m => new DynamicsPoint
        {
            Step = m.Step,
            Loss = m.Loss,
            TrainingLoss = m.TrainingLoss,
            Learned = m.Learned,
            Alignment = [.. carriers.Select((head, component) => Alignment(m.Heads!, head, GroupOf(component)))],
        })];
    }

    private LossDrop Drop(int fastest, int before, int after)
    {
        HashSet<int> known = [.. LearnedBy(before)];
        int[] components = [.. LearnedBy(after).Where(c => !known.Contains(c))];
        if (_moments[after].Heads is not { } heads) return new(_moments[fastest].Step, components, null, null);
        var earlier = _moments[before].Heads!;
        int head = Enumerable.Range(0, heads.Strength.Length).MaxBy(h => heads.Strength[h] - earlier.Strength[h]);
        return new(_moments[fastest].Step, components, head, _groups.Max(group => Alignment(heads, head, group)));
    }

    private LossPlateau Plateau(int at)
    {
        int learned = LearnedBy(at).Count();
        return new(_moments[at].Step, _moments[at].Loss, learned, _theory.Levels[learned]);
    }

    /// <summary>Components of which more than half is learned; of equal ones, as many as the shares of all of them come to.</summary>
    private IEnumerable<int> LearnedBy(int at) =>
        _groups.SelectMany(group => group.Take((int)Math.Round(group.Sum(c => _moments[at].Learned[c]), MidpointRounding.AwayFromZero)));

    private int[] GroupOf(int component) => _groups.First(group => group.Contains(component));

    private static double Alignment(HeadSnapshot heads, int head, int[] group) => Math.Abs(group.Sum(c => heads.Overlap[head][c]));
}

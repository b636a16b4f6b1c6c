namespace MlNetIcl.Probes;

/// <summary>
/// Attention of positions to their parents. A position attends to earlier ones, or to none, by position alone; from each that it attends to its token
/// is predicted as by one who counts what followed that one's token elsewhere in the row, and has counted Concentration more from a kernel that all rows
/// share: Dirichlet's rule, which fits rows with a common kernel (large) and rows with kernels of their own (small). Attention mixes the predictions.
/// </summary>
/// <remarks>
/// Where a position's token is predicted, its own part in the counts is left out. Counts are soft: a position counts for a parent's token as far as it
/// attends to that parent. Prediction from none counts the row's tokens, beside frequencies at the position. Saved as JSON. Immutable; thread-safe.
/// </remarks>
/// <param name="Attention">[pos][parent], and behind all earlier positions the attention to none.</param>
/// <param name="Kernel">[value of the parent][value]: the shared kernel.</param>
/// <param name="Marginals">[pos][value]: frequencies at a position.</param>
/// <param name="Concentration">Counts that the shared kernel is worth.</param>
/// <param name="RootConcentrations">Counts that the frequencies at a position are worth, [pos].</param>
internal sealed record ParentAttention(double[][] Attention, double[][] Kernel, double[][] Marginals, double Concentration, double[] RootConcentrations)
{
    public int Length => Attention.Length;

    public int Vocabulary => Kernel.Length;

    /// <summary>
    /// Of each position of a row the probability of its token from each earlier position and, last, from none: [pos][pos + 1]. Attention is not multiplied in.
    /// </summary>
    public double[][] Likelihoods(ReadOnlySpan<int> row)
    {
        var counts = new ParentCounts(Length, Vocabulary);
        counts.Count(Attention, row);
        double[][] likelihoods = new double[Length][];
        for (int child = 0; child < Length; child++)
        {
            likelihoods[child] = new double[child + 1];
            for (int parent = 0; parent < child; parent++) likelihoods[child][parent] = Likelihood(counts, row, child, parent).Value;
            likelihoods[child][child] = LikelihoodFromNone(counts, row[child], child);
        }
        return likelihoods;
    }

    /// <summary>The probability of a position's token from a parent, and what it was divided by.</summary>
    public (double Value, double Total) Likelihood(ParentCounts counts, ReadOnlySpan<int> row, int child, int parent)
    {
        var (count, total) = counts.Of(row, child, parent);
        return (((Concentration * Kernel[row[parent]][row[child]]) + count) / (Concentration + total), Concentration + total);
    }

    /// <summary>The same from none.</summary>
    public double LikelihoodFromNone(ParentCounts counts, int value, int position) =>
        ((RootConcentrations[position] * Marginals[position][value]) + counts.Elsewhere(value)) / (RootConcentrations[position] + Length - 1);

    /// <summary>The log-likelihood of each position's token, in nats.</summary>
    public double[] LogLikelihoods(ReadOnlySpan<int> row) =>
        [.. Likelihoods(row).Zip(Attention, (likelihoods, attention) => Math.Log(Math.Max(double.Epsilon, likelihoods.Zip(attention, (l, a) => l * a).Sum())))];

    /// <summary>How far each earlier position, and none, accounts for a position's token: attention times likelihood over their sum, [pos][pos + 1].</summary>
    public double[][] Responsibilities(ReadOnlySpan<int> row)
    {
        double[][] shares = Likelihoods(row);
        for (int child = 0; child < Length; child++)
        {
            double sum = 0;
            for (int parent = 0; parent <= child; parent++) sum += shares[child][parent] *= Attention[child][parent];
            for (int parent = 0; parent <= child; parent++) shares[child][parent] = sum > 0 ? shares[child][parent] / sum : Attention[child][parent];
        }
        return shares;
    }

    /// <exception cref="FormatException">It was saved damaged.</exception>
    public void Validate()
    {
        bool sound = Attention is { Length: >= CausalGraphLearner.ShortestSequence and <= CausalGraphLearner.LongestSequence } && Kernel is { Length: >= 2 and <= CausalGraphLearner.MostTokens }
            && Marginals?.Length == Attention.Length && RootConcentrations?.Length == Attention.Length && RootConcentrations.Append(Concentration).All(c => c is > 0 and < double.PositiveInfinity)
            && Attention.Select((row, pos) => IsDistribution(row, pos + 1)).All(holds => holds) && Kernel.Concat(Marginals).All(row => IsDistribution(row, Kernel.Length));
        if (!sound) throw new FormatException("The saved graph's attention is damaged.");
    }

    private static bool IsDistribution(double[]? row, int length) => row?.Length == length && row.All(p => p is >= 0 and <= 1.0001) && Math.Abs(row.Sum() - 1) < 1e-3;
}

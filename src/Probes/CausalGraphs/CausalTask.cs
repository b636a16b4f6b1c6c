namespace MlNetIcl.Probes;

/// <summary>
/// Sequences whose positions follow their parents in a graph, by a kernel of each sequence's own (Nichani, Damian &amp; Lee 2024, sections 2 and 5):
/// rows pi ~ Dirichlet(alpha), x_i ~ pi[x_parents(i)], to predict is pi[x_parents(target)] as a whole. With one parent at most, roots come from
/// pi's stationary distribution and the last token, the target's parent, is uniform; with several, each number of parents has a kernel of its own,
/// roots are uniform, and the last position follows its parents, too. Immutable; thread-safe.
/// </summary>
internal sealed class CausalTask
{
    private readonly IReadOnlyList<int>[] _parents; // of all positions, and of the target after them

    /// <param name="graph">Parents of every position; those of the last one don't matter where none has several.</param>
    /// <param name="vocabulary">Number of tokens.</param>
    /// <param name="alpha">Concentration of the rows of kernels.</param>
    /// <param name="dependence">
    /// How far a row differs from what it is without its parents, in [0, 1]: 1 is the row drawn, 0 the stationary distribution (with several parents: the
    /// uniform one), which makes parents and children independent.
    /// </param>
    public CausalTask(CausalGraph graph, int vocabulary, double alpha, double dependence = 1)
    {
        (Graph, Vocabulary, Alpha, Dependence) = (graph, vocabulary, alpha, dependence);
        int last = graph.Length - 1, most = graph.Parents.Take(last).Max(p => (int?)p.Count) ?? 0;
        HasSeveralParents = most > 1;
        IReadOnlyList<int> target = HasSeveralParents ? [.. Enumerable.Range(1, most).Select(j => last * j / most)] : [last];
        _parents = [.. graph.Parents.Take(last), HasSeveralParents ? graph.Parents[last] : [], target];
    }

    public CausalGraph Graph { get; }

    public int Vocabulary { get; }

    public double Alpha { get; }

    public double Dependence { get; }

    public bool HasSeveralParents { get; }

    public int Length => Graph.Length;

    /// <summary>What is predicted. With one parent at most the last token is the target's parent and uniform, so that the mean over it can be had exactly.</summary>
    public CausalTarget Target => HasSeveralParents ? CausalTarget.AfterLast : CausalTarget.AfterAnyLast;

    /// <summary>The last position whose parents the row that is predicted from does not use for something else.</summary>
    public int LastChild => Length - 2;

    /// <summary>The target's parents.</summary>
    public IReadOnlyList<int> TargetParents => _parents[^1];

    /// <summary>Draws rows.</summary>
    public CausalRows Draw(SeededRandom random, int rows)
    {
        var drawn = new CausalRows(rows, Length, Vocabulary, Target == CausalTarget.AfterAnyLast ? Vocabulary : 1);
        Span<double> stationary = stackalloc double[Vocabulary];
        var kernels = new double[_parents.Max(p => p.Count) + 1][]; // by number of parents: [values of the parents, value]; null where no position has so many
        foreach (int count in _parents.Select(p => p.Count).Where(count => count > 0).Distinct()) kernels[count] = new double[Power(count) * Vocabulary];
        for (int row = 0; row < rows; row++)
        {
            DrawKernels(random, kernels, stationary);
            var tokens = drawn.Tokens.AsSpan(row * Length, Length);
            for (int position = 0; position < Length; position++)
                tokens[position] = !HasSeveralParents && position == Length - 1 ? random.Next(Vocabulary)
                    : random.Pick(_parents[position].Count == 0 ? stationary : Row(kernels, tokens, _parents[position]));
            for (int query = 0; query < drawn.Queries; query++)
            {
                var target = Target == CausalTarget.AfterAnyLast ? kernels[1].AsSpan(query * Vocabulary, Vocabulary) : Row(kernels, tokens, TargetParents);
                for (int value = 0; value < Vocabulary; value++) drawn.TargetOf(row, query)[value] = (float)target[value];
            }
        }
        return drawn;
    }

    /// <summary>
    /// What the counts of a row tell of what follows a query: (n(value after the target's parents' values) + alpha) / (n + S alpha). The best guess of one
    /// who knows the graph and ignores what roots tell of the kernel.
    /// </summary>
    public double[] CountEstimate(ReadOnlySpan<int> row, int query)
    {
        int[] tokens = row.ToArray();
        if (Target == CausalTarget.AfterAnyLast) tokens[^1] = query;
        double[] counts = new double[Vocabulary];
        Array.Fill(counts, Alpha);
        int count = TargetParents.Count, last = HasSeveralParents ? Length : Length - 1;
        for (int position = 0; position < last; position++)
        {
            if (_parents[position].Count != count) continue;
            bool same = true;
            for (int j = 0; j < count; j++) same &= tokens[_parents[position][j]] == tokens[TargetParents[j]];
            if (same) counts[tokens[position]]++;
        }
        double sum = counts.Sum();
        return [.. counts.Select(c => c / sum)];
    }

    /// <summary>
    /// Mean information of a child about its parents over drawn kernels, in nats, with parents as roots are: in closed form for each kernel,
    /// sum of mu(parents) pi(value|parents) ln(pi(value|parents) / p(value)).
    /// </summary>
    public double Information(SeededRandom random, int draws = 2048)
    {
        int count = TargetParents.Count, rows = Power(count);
        var kernels = new double[count + 1][];
        kernels[count] = new double[rows * Vocabulary];
        double[] roots = new double[Vocabulary], marginal = new double[Vocabulary];
        double information = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            DrawKernels(random, kernels, roots);
            Array.Clear(marginal);
            for (int row = 0; row < rows; row++)
                for (int value = 0; value < Vocabulary; value++) marginal[value] += Weight(row) * kernels[count][(row * Vocabulary) + value];
            for (int row = 0; row < rows; row++)
                for (int value = 0; value < Vocabulary; value++)
                    if (kernels[count][(row * Vocabulary) + value] is > 0 and var p) information += Weight(row) * p * Math.Log(p / marginal[value]);
        }
        return information / draws;

        double Weight(int row)
        {
            double weight = 1;
            for (int j = 0; j < count; j++, row /= Vocabulary) weight *= roots[row % Vocabulary];
            return weight;
        }
    }

    private void DrawKernels(SeededRandom random, double[][] kernels, Span<double> roots)
    {
        for (int count = 1; count < kernels.Length; count++)
            for (int from = 0; kernels[count] is { } kernel && from < kernel.Length; from += Vocabulary)
                DirichletDraws.Fill(random, Alpha, kernel.AsSpan(from, Vocabulary));
        if (HasSeveralParents) roots.Fill(1.0 / Vocabulary);
        else StationaryDistribution.Of(kernels[1], roots);
        if (Dependence == 1) return;
        foreach (double[] kernel in kernels.Skip(1).OfType<double[]>())
            for (int at = 0; at < kernel.Length; at++) kernel[at] = (Dependence * kernel[at]) + ((1 - Dependence) * roots[at % Vocabulary]);
    }

    private ReadOnlySpan<double> Row(double[][] kernels, ReadOnlySpan<int> tokens, IReadOnlyList<int> parents)
    {
        int row = 0;
        foreach (int parent in parents) row = (row * Vocabulary) + tokens[parent];
        return kernels[parents.Count].AsSpan(row * Vocabulary, Vocabulary);
    }

    private int Power(int exponent)
    {
        int power = 1;
        for (int i = 0; i < exponent; i++) power = checked(power * Vocabulary);
        return power;
    }
}

/// <summary>Rows of tokens [row, pos], and the distributions to predict [row, query, value]; no queries where tokens themselves are predicted.</summary>
internal sealed class CausalRows(int count, int length, int vocabulary, int queries = 0)
{
    public int Count => count;

    public int Length => length;

    public int Vocabulary => vocabulary;

    public int Queries => queries;

    public int[] Tokens { get; } = new int[count * length];

    public float[] Targets { get; } = new float[count * queries * vocabulary];

    public Span<int> Row(int row) => Tokens.AsSpan(row * length, length);

    public Span<float> TargetOf(int row, int query) => Targets.AsSpan(((row * queries) + query) * vocabulary, vocabulary);

    /// <summary>Rows drawn with replacement.</summary>
    public CausalRows Sample(SeededRandom random, int rows)
    {
        var sample = new CausalRows(rows, length, vocabulary, queries);
        for (int row = 0; row < rows; row++)
        {
            int drawn = random.Next(count);
            Row(drawn).CopyTo(sample.Row(row));
            Targets.AsSpan(drawn * queries * vocabulary, queries * vocabulary).CopyTo(sample.Targets.AsSpan(row * queries * vocabulary));
        }
        return sample;
    }
}

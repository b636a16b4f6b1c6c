namespace MlNetIcl.Probes;

/// <summary>
/// Prompts of sequences that follow one graph, another one in each prompt, by one kernel that is always the same: position 0 is drawn from the kernel's
/// stationary distribution, each later one follows a parent that is uniform among the earlier ones. Immutable; thread-safe.
/// </summary>
internal sealed class InContextGraphTask
{
    private readonly double[] _kernel, _roots; // [value of the parent, value], [value]

    public InContextGraphTask(InContextGraphOptions options, int run)
    {
        (Vocabulary, Length, Sequences) = (options.Vocabulary, options.Length, options.Examples + 1);
        var random = new SeededRandom(options.SeedOf(run), RandomStream.InContextKernel);
        (_kernel, _roots) = (new double[Vocabulary * Vocabulary], new double[Vocabulary]);
        for (int value = 0; value < Vocabulary; value++) DirichletDraws.Fill(random, options.Alpha, _kernel.AsSpan(value * Vocabulary, Vocabulary));
        StationaryDistribution.Of(_kernel, _roots);
    }

    public int Vocabulary { get; }

    /// <summary>Positions of a sequence.</summary>
    public int Length { get; }

    /// <summary>Sequences of a prompt; the l-th has l examples before it.</summary>
    public int Sequences { get; }

    /// <summary>What follows a value.</summary>
    public ReadOnlySpan<double> Kernel(int value) => _kernel.AsSpan(value * Vocabulary, Vocabulary);

    /// <summary>What follows if nothing is known.</summary>
    public ReadOnlySpan<double> Stationary => _roots;

    /// <summary>Draws a prompt.</summary>
    /// <param name="random">Random numbers.</param>
    /// <param name="parents">Gets the graph: the parent of each position but the first.</param>
    /// <returns>The values, [sequence, pos].</returns>
    public int[] Draw(SeededRandom random, Span<int> parents)
    {
        for (int position = 1; position < Length; position++) parents[position] = random.Next(position);
        int[] values = new int[Sequences * Length];
        for (int sequence = 0; sequence < Sequences; sequence++)
            for (int position = 0; position < Length; position++)
                values[(sequence * Length) + position] = random.Pick(position == 0 ? Stationary : Kernel(values[(sequence * Length) + parents[position]]));
        return values;
    }
}

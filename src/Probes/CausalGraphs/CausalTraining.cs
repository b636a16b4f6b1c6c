namespace MlNetIcl.Probes;

/// <summary>The rows of each training step: fresh ones, or draws with replacement from a fixed number of them. They depend on the seed and the step alone.</summary>
internal sealed class CausalTraining
{
    private readonly CausalTask _task;
    private readonly int _seed, _batchRows;
    private readonly CausalRows? _all;

    public CausalTraining(CausalTask task, int seed, int batchRows, int? trainingRows)
    {
        (_task, _seed, _batchRows) = (task, seed, batchRows);
        if (trainingRows is { } rows) _all = task.Draw(new SeededRandom(seed, RandomStream.CausalFiniteRows), rows);
    }

    public CausalRows At(int step)
    {
        var random = new SeededRandom(unchecked((_seed * 1_000_003) + step), RandomStream.CausalRows);
        return _all is null ? _task.Draw(random, _batchRows) : _all.Sample(random, _batchRows);
    }
}

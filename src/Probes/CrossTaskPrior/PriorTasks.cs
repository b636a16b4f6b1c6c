using MlNetIcl.Models;
using static TorchSharp.torch;

namespace MlNetIcl.Probes;

/// <summary>Tasks: inputs X [task, n, d], outputs Y [task, n], and the weights W [task, d] behind them. The tensors belong to the caller's scope.</summary>
internal readonly record struct TaskBatch(Tensor X, Tensor Y, Tensor W);

/// <summary>
/// A family of tasks y = X w + eps, X ~ N(0, 1), eps ~ N(0, sigma^2), w ~ N(w0, U U^T) with U [d, r] orthonormal (Lu &amp; Yu 2025,
/// arXiv:2505.12138; the covariance's eigenvalues are 1 here). float64; owns its tensors.
/// </summary>
internal sealed class PriorTaskFamily : IDisposable
{
    /// <param name="options">Sizes and noise.</param>
    /// <param name="rank">r.</param>
    /// <param name="stream">Families of one seed and different streams have nothing in common.</param>
    public PriorTaskFamily(CrossTaskPriorOptions options, int rank, RandomStream stream = RandomStream.PriorTask)
    {
        (Examples, Noise) = (options.Examples, options.Noise);
        using var scope = NewDisposeScope();
        using var generator = TorchRandom.Of(options.Seed, stream, rank);
        var mean = randn([options.Dimension], ScalarType.Float64, generator: generator);
        Mean = (mean * mean.norm().reciprocal().Times(options.MeanNorm)).DetachFromDisposeScope();
        Basis = linalg.qr(randn([options.Dimension, rank], ScalarType.Float64, generator: generator)).Q.contiguous().DetachFromDisposeScope();
    }

    public int Examples { get; }

    public double Noise { get; }

    /// <summary>w0 [d].</summary>
    public Tensor Mean { get; }

    /// <summary>U [d, r].</summary>
    public Tensor Basis { get; }

    public int Rank => (int)Basis.shape[1];

    public int Dimension => (int)Basis.shape[0];

    /// <summary>Draws fresh tasks, which depend on seed, stream and number alone.</summary>
    public TaskBatch Draw(int tasks, int seed, RandomStream stream, int number, ScalarType type = ScalarType.Float64)
    {
        using var scope = NewDisposeScope();
        using var generator = TorchRandom.Of(seed, stream, number);
        Tensor Normal(params long[] shape) => randn(shape, type, generator: generator);
        var x = Normal(tasks, Examples, Dimension);
        var w = Mean.to_type(type).Plus(mm(Normal(tasks, Rank), Basis.to_type(type).t()));
        var y = bmm(x, w.unsqueeze(2)).squeeze(2).Plus(Normal(tasks, Examples).Times(Noise));
        return new(x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope(), w.MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        Mean.Dispose();
        Basis.Dispose();
    }
}

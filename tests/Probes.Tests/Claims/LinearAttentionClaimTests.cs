using MlNetIcl.Models;

namespace MlNetIcl.Probes.Tests.Claims;

public class LinearAttentionClaimTests
{
    [Theory]
    [InlineData(1e-7, 1, 0.13, 0.6, ClaimVerdict.Reproduced)]
    [InlineData(0.1, 3, 0.50, 0.9, ClaimVerdict.Refuted)]
    [InlineData(0.1, 1, 0.13, 0.6, ClaimVerdict.Depends)] // attention is something else
    [InlineData(1e-7, 3, 0.13, 0.6, ClaimVerdict.Depends)] // another number of drops
    [InlineData(1e-7, 1, 0.14, 0.6, ClaimVerdict.Depends)] // does not get to the optimum
    [InlineData(1e-7, 1, 0.13, 0.7, ClaimVerdict.Depends)] // rests elsewhere
    public void Verdict_NeedsEqualityDropsEndAndPlateaus(double difference, int drops, double end, double plateau, ClaimVerdict verdict)
    {
        var merged = Kind(KeyQueryKind.Merged, drops, 1, end, []);
        var separate = Kind(KeyQueryKind.Separate, drops == 1 ? 2 : 4, 2, end, [new LossPlateau(5, plateau, 1, 0.6)]);
        var finding = LinearAttentionClaim.Find(new()
        {
            Equality = new() { Options = new(), Comparisons = [Comparison(difference, SmootherKind.Unnormalised, true), Comparison(3, SmootherKind.Normalised, false)] },
            Dynamics = new() { Options = new() { Eigenvalues = [1, 2] }, Eigenvalues = [1.0 / 3, 2.0 / 3], Levels = [1, 0.6, 0.13], Kinds = [merged, separate] },
        });

        Assert.Equal(verdict, finding.Verdict);
        Assert.Equal(difference, finding.Figures[0].Value, 12);
    }

    private static SmootherComparison Comparison(double difference, SmootherKind smoother, bool equal) => new()
    {
        Attention = AttentionKind.Linear,
        Source = SmootherSource.Constructed,
        Smoother = smoother,
        Kernel = SmootherKernel.Linear,
        ExpectedEqual = equal,
        MaxDifference = difference,
        Scale = 1,
        Gap = new(0.5, new(0.4, 0.6)),
        N = 100,
        Heads = 1,
    };

    private static KeyQueryResult Kind(KeyQueryKind kind, int drops, int expected, double end, LossPlateau[] between) => new()
    {
        Kind = kind,
        Heads = 4,
        InitialSize = 0.05,
        LearningRate = 0.1,
        ExpectedDrops = expected,
        FinalLoss = new(end, new(end, end)),
        Runs =
        [
            new()
            {
                Seed = 0,
                Points = [],
                Drops = [.. Enumerable.Range(0, drops).Select(i => new LossDrop(i, [], null, null))],
                Plateaus = [new LossPlateau(0, 1, 0, 1), .. between, new LossPlateau(9, end, 2, 0.13)],
                LeastTrainingLoss = 0.13,
                Converged = true,
            },
        ],
    };
}

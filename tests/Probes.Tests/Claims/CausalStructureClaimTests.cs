namespace MlNetIcl.Probes.Tests.Claims;

public class CausalStructureClaimTests
{
    [Theory]
    [InlineData(true, true, true, true, ClaimVerdict.Reproduced)]
    [InlineData(false, false, false, false, ClaimVerdict.Refuted)]
    [InlineData(true, true, true, false, ClaimVerdict.Depends)]
    [InlineData(false, true, true, true, ClaimVerdict.Depends)]
    public void Verdict_NeedsStructureSamplesFaithfulnessAndHeads(bool structure, bool samples, bool faithful, bool heads, ClaimVerdict verdict) =>
        Assert.Equal(verdict, CausalStructureClaim.Find(new(
            Result(Run(structure, 0.8), Run(true, 0.7)),
            Sweep(CausalGraphVariable.TrainingRows, (16, Result(Run(false, 0.3))), (256, Result(Run(samples, 0.6)))),
            Sweep(CausalGraphVariable.Faithfulness, (0, Result(Run(false, 0.3))), (1, Result(Run(true, faithful ? 0.8 : 0.2)))),
            Result(Run(true, 0.5, heads)))).Verdict);

    [Theory]
    [InlineData(0.6, 0.1, 0.2, 0.7, true)]
    [InlineData(0.6, 0.1, 0.7, 0.2, false)] // both take the first parent
    [InlineData(0.6, 0.1, 0.4, 0.4, false)]
    public void HeadsDivideParents_NeedsHalfOnAParentOfEachHeadsOwn(double a, double b, double c, double d, bool divide) =>
        Assert.Equal(divide, (Run(true, 0.5) with { HeadParents = [[a, b], [c, d]] }).HeadsDivideParents);

    private static CausalGraphResult Result(params CausalGraphRun[] runs) => new() { Options = new(), Heads = 1, Runs = runs };

    private static CausalGraphSweepResult Sweep(CausalGraphVariable variable, params (double Value, CausalGraphResult Result)[] points) =>
        new() { Variable = variable, Options = new(), Points = [.. points.Select(p => new CausalGraphSweepPoint(p.Value, p.Result))] };

    private static CausalGraphRun Run(bool right, double attention, bool divides = true) => new()
    {
        Seed = 0,
        Graph = CausalGraph.Chain(10),
        Found = CausalGraph.Chain(10),
        Heads = [],
        HeadParents = divides ? [[0.9, 0], [0, 0.9]] : [[0.3, 0.3], [0.3, 0.3]],
        Metrics = new() { EdgeAttention = attention, ArgmaxRight = right ? 8 : 3, ArgmaxRightWithSelf = right ? 8 : 3, ArgmaxByChance = 1, Children = 8, StructuralHammingDistance = 0, Precision = 1, Recall = 1, Auroc = 1 },
        ByThreshold = [],
        Loss = 0.7,
        CountLoss = 0.7,
        LeastLoss = 0.2,
        Information = 0.3,
        Curve = [],
    };
}

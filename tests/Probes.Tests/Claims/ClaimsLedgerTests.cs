namespace MlNetIcl.Probes.Tests.Claims;

public class ClaimsLedgerTests
{
    [Fact]
    public void All_Claims_HaveNumbersOfTheirOwnAndSayWhatIsClaimed()
    {
        Assert.Equal(ClaimsLedger.All.Select(c => c.Number).Distinct().Order(), ClaimsLedger.All.Select(c => c.Number));
        Assert.All(ClaimsLedger.All, claim =>
        {
            Assert.InRange(claim.Number, 1, 12);
            Assert.EndsWith(".", claim.Text, StringComparison.Ordinal);
            Assert.StartsWith("icl ", claim.Command, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Run_ClaimThatFails_IsAResultAndTheNextOneRuns()
    {
        using var context = new ClaimContext(new ClaimsOptions());
        var failing = ClaimsLedger.Run(new Made(() => throw new InvalidOperationException("no luck")), context, null, default);
        var next = ClaimsLedger.Run(new Made(), context, null, default);

        Assert.Null(failing.Finding);
        Assert.Equal("no luck", failing.Failure!.Message);
        Assert.Equal(ClaimVerdict.Depends, next.Finding!.Verdict);
    }

    [Fact]
    public void Run_TokenCancelled_EndsTheLedger()
    {
        using var cancellation = new CancellationTokenSource();
        using var context = new ClaimContext(new ClaimsOptions());
        var claim = new Made(() =>
        {
            cancellation.Cancel();
            cancellation.Token.ThrowIfCancellationRequested();
        });

        Assert.Throws<OperationCanceledException>(() => ClaimsLedger.Run(claim, context, null, cancellation.Token));
        Assert.Throws<OperationCanceledException>(() => ClaimsLedger.Run(new Made(), context, null, cancellation.Token));
    }

    [Fact]
    public void Run_SomethingElseCancelled_IsAFailure()
    {
        using var context = new ClaimContext(new ClaimsOptions());

        Assert.IsType<OperationCanceledException>(ClaimsLedger.Run(new Made(() => throw new OperationCanceledException()), context, null, default).Failure);
    }

    [Fact]
    public void Only_UnknownOrRepeated_IsRefused()
    {
        Assert.Contains("no claim 99", Assert.Throws<ArgumentException>(() => ClaimsLedger.Run(new ClaimsOptions { Only = [99] })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ClaimsLedger.Run(new ClaimsOptions { Only = [1, 1] }));
        Assert.Equal([1, 3], ClaimsLedger.Selected(new ClaimsOptions { Only = [3, 1] }).Select(c => c.Number));
    }

    [Fact]
    public void Share_Runs_OnceForAllAlsoWhereItFails()
    {
        int runs = 0;
        using var context = new ClaimContext(new ClaimsOptions());

        Assert.Same(context.Share("a", () => $"run {++runs}"), context.Share("a", () => $"run {++runs}"));
        for (int i = 0; i < 2; i++) Assert.Throws<InvalidDataException>(() => context.Share<string>("b", () => throw new InvalidDataException($"run {++runs}")));
        Assert.Equal(2, runs);
        Assert.Throws<OperationCanceledException>(() => context.Share<string>("c", () => throw new OperationCanceledException()));
        Assert.Equal("now", context.Share("c", () => "now")); // what was interrupted may be tried again
    }

    [Fact]
    public void Context_Disposed_DisposesWhatIsSharedAndGivesThreadsBack()
    {
        var shared = new Disposable();
        int threads = TorchSharp.torch.get_num_threads();
        using (var context = new ClaimContext(new ClaimsOptions()))
        {
            context.Share("a", () => shared);
            Assert.Equal(1, TorchSharp.torch.get_num_threads());
        }
        Assert.Equal((true, threads), (shared.IsDisposed, TorchSharp.torch.get_num_threads()));
    }

    private sealed class Disposable : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Made(Action? run = null) : Claim
    {
        public override int Number => 1;

        public override string Text => "Made up.";

        internal override ClaimFinding Run(ClaimContext context, IProgress<double>? progress, CancellationToken cancellationToken)
        {
            run?.Invoke();
            return new ClaimFinding { Ran = "nothing", Figures = [], Verdict = ClaimVerdict.Depends, Rule = "none", Explanation = "none" };
        }
    }
}

using MlNetIcl.Cli.Hosting;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

public class ClaimsTests
{
    [Fact]
    public void Json_OneClaim_IsFilledAndTheSameBytesAgain()
    {
        var run = Icl.Run("claims", "--only", "1", "--quick", "--json", "-").AssertDone();
        var claim = run.Json["claims"]!.AsArray().Single()!;

        Assert.Equal((1, "refuted", "icl claims --only 1"), ((int)claim["number"]!, (string)claim["verdict"]!, (string)claim["command"]!));
        Assert.Null(claim["failure"]);
        Assert.NotEmpty(claim["figures"]!.AsArray());
        Assert.DoesNotContain("seconds", run.Output, StringComparison.Ordinal);
        Assert.Equal(run.Output, Icl.Run("claims", "--only", "1", "--json", "-").Output);
    }

    [Fact]
    public void Model_ThatIsNotThere_FailsTheClaimsThatNeedItAndSetsTheExitCode()
    {
        using var scratch = new Scratch();
        var run = Icl.Run("claims", "--only", "1", "--model", scratch.At("none"), "--html", scratch.At("ledger.html"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("verdict  failed", run.Output, StringComparison.Ordinal);
        Assert.Contains("Of 1 claim: 1 failed.", run.Output, StringComparison.Ordinal);
        Assert.Contains("Claim 1: failed", run.Error, StringComparison.Ordinal);
        Assert.Contains("failed", File.ReadAllText(scratch.At("ledger.html")), StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n').Where(line => !line.Contains('/', StringComparison.Ordinal)), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }

    [Fact]
    public void Cancelled_Run_EndsWithoutResults()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var run = Icl.RunWith([], cancelled.Token, "claims", "--only", "1");

        Assert.Equal((ExitCode.Failed, ""), (run.Code, run.Output));
        Assert.Contains("interrupted", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--only", "99", "no claim 99")]
    [InlineData("--only", "one", "numbers of claims")]
    [InlineData("--only", "1,1", "twice")]
    public void WrongSettings_AreRefused(string option, string value, string why) => Icl.Run("claims", option, value).AssertRefused(why);

    [Fact]
    public void QuickAndFull_ExcludeEachOther() => Assert.Equal(ExitCode.WrongInput, Icl.Run("claims", "--quick", "--full").Code);
}

public class LabelPriorsTests
{
    private const string Reviews = "text\tlabel\n";

    [Fact]
    public void Table_EmbeddedModel_HasThreePriors()
    {
        using var scratch = new Scratch();
        string data = scratch.Write("reviews.tsv", Reviews + string.Concat(Enumerable.Range(0, 40).Select(i => $"{(char)('a' + (i % 7))}{(i % 2 == 0 ? "good" : "bad")}\t{i % 2}\n")));
        string[] args = ["label-priors", "--data", data, "--template", "{text}:", "--demonstrations", "2", "--draws", "2", "--queries", "8"];
        var run = Icl.Run(args).AssertDone();
        var json = Icl.Run([.. args, "--json", "-", "--html", scratch.At("p.html")]).AssertDone().Json;

        Assert.All(new[] { "format: with demonstrations", "semantic: 'negative' before any", "structure: shuffled pairs" }, row => Assert.Contains(row, run.Output, StringComparison.Ordinal));
        Assert.Equal((8, 2), ((int)json["queries"]!, (int)json["draws"]!));
        Assert.Equal((double)json["mass_with"]!["value"]! - (double)json["mass_without"]!["value"]!, (double)json["format"]!["value"]!, 9);
        Assert.Equal(1, json["semantic"]!.AsArray().Sum(s => (double)s!["without_demonstrations"]!["value"]!), 9);
    }

    [Fact]
    public void Data_ThatIsNotThere_IsRefused() => Icl.Run("label-priors", "--data", "nowhere.tsv").AssertRefused("nowhere.tsv");

    [SkippableFact]
    [Trait("Category", "Long")]
    public void SmolLm2_OnReviews_LearnsTheFormatFromDemonstrations()
    {
        string model = Directory.GetFiles(Fixtures.Shared("models", "smollm2"), "*.gguf").Single();
        var json = Icl.Run("label-priors", "--model", model, "--data", Fixtures.Shared("data", "yelp_labelled.txt"), "--demonstrations", "4", "--draws", "1", "--queries", "20", "--json", "-").AssertDone().Json;

        Assert.True((double)json["format"]!["low"]! > 0.5);
        Assert.True((double)json["mass_without"]!["high"]! < 0.2);
    }
}

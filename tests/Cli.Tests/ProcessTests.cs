using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using MlNetIcl.Testing;

namespace MlNetIcl.Cli.Tests;

/// <summary>The tool as a process of its own: exit codes, streams, signals.</summary>
public class ProcessTests
{
    private static readonly string Gpt2 = Fixtures.Path("families", "gpt2");

    [Fact]
    public void Heads_Piped_WritesJsonToOutputAndNothingToError()
    {
        var run = Icl.Execute("", "heads", "-m", Gpt2, "--period", "8", "--sequences", "16", "--json", "-");

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.NotEmpty(JsonNode.Parse(run.Output)!["heads"]!.AsArray());
    }

    [Theory]
    [InlineData(0, "--help")]
    [InlineData(0, "heads", "--help")]
    [InlineData(0, "--version")]
    [InlineData(2)]
    [InlineData(2, "nonsense")]
    [InlineData(2, "model", "/no/such/folder")]
    public void ExitCode_OfEachOutcome_IsAsDocumented(int code, params string[] args)
    {
        var run = Icl.Execute("", args);

        Assert.Equal(code, run.Code);
        Assert.Equal(code == 0, run.Output.Length > 0);
        Assert.Equal(code == 0, run.Error.Length == 0);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Interrupt_WhileScoring_EndsWithOneAndLeavesNothing()
    {
        Skip.If(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        using var scratch = new Scratch();
        using var process = StartInterruptible("heads", "-m", Gpt2, "--sequences", "10000", "--period", "20", "--losses", "--entropy", "--json", scratch.At("h.json"));
        // Time on the processor, not on the wall: a busy machine may take long to start a process.
        Assert.True(SpinWait.SpinUntil(() => { Thread.Sleep(50); process.Refresh(); return process.HasExited || process.TotalProcessorTime > TimeSpan.FromSeconds(3); }, TimeSpan.FromMinutes(1)));
        Assert.False(process.HasExited, "The work ended before it could be interrupted.");
        using (var kill = Process.Start("sh", ["-c", FormattableString.Invariant($"kill -INT {process.Id}")])) kill.WaitForExit();
        var run = Icl.Finish(process);

        Assert.Equal((1, "", "icl: interrupted.\n"), (run.Code, run.Output, run.Error));
        Assert.Empty(scratch.Names);
    }

    /// <summary>A shell starts its background jobs with interrupts ignored, and processes pass that on; the tool is to be started as from a prompt.</summary>
    private static Process StartInterruptible(params string[] args)
    {
        nint before = Signal(Interrupt, handler: 0); // 0: the default
        try
        {
            return Icl.Start(args);
        }
        finally
        {
            Signal(Interrupt, before);
        }
    }

    private const int Interrupt = 2;

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Signal(int signal, nint handler);

    [Fact]
    public void Kill_OfASweepWithAResultsFile_LosesItsLastStackAlone()
    {
        using var scratch = new Scratch();
        string file = scratch.At("sweep");
        string[] args = ["ablate", "--sequences", "800", "--json"];
        using (var process = Icl.Start([.. args, scratch.At("a.json"), "--resume", file]))
        {
            static int Lines(string path) => File.Exists(path) ? File.ReadLines(path).Count() : 0;
            Assert.True(SpinWait.SpinUntil(() => { Thread.Sleep(10); return process.HasExited || Lines(file) >= 3; }, TimeSpan.FromMinutes(2)));
            Assert.False(process.HasExited, "The work ended before it could be killed.");
            process.Kill();
            process.WaitForExit();
        }
        Assert.Equal(["sweep"], scratch.Names);
        string left = File.ReadAllText(file);
        string resumed = Icl.Run([.. args, "-", "--resume", file]).AssertDone().Output;

        Assert.Equal(Icl.Run([.. args, "-"]).AssertDone().Output, resumed);
        Assert.StartsWith(left[..(left.LastIndexOf('\n') + 1)], File.ReadAllText(file), StringComparison.Ordinal);
        Assert.True(File.ReadAllText(file).Length > left.Length);
    }

    [Fact]
    public void Verbose_OnFailure_AddsWhereItHappened()
    {
        var run = Icl.Run("model", "/no/such/folder", "--verbose");

        Assert.Equal(2, run.Code);
        Assert.Contains("DirectoryNotFoundException", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("heads")]
    [InlineData("patch")]
    [InlineData("circuit")]
    [InlineData("lens")]
    [InlineData("ablate")]
    [InlineData("forward")]
    [InlineData("tokenize")]
    [InlineData("model")]
    [InlineData("restore")]
    [InlineData("emergence")]
    [InlineData("gd")]
    [InlineData("linear")]
    [InlineData("regression")]
    [InlineData("paradigms")]
    [InlineData("prior")]
    [InlineData("causal")]
    [InlineData("positions")]
    [InlineData("label-priors")]
    [InlineData("claims")]
    public void Help_OfEachCommand_HasExamplesWithinEightyColumns(string command)
    {
        var run = Icl.Run(command, "--help").AssertDone();

        Assert.Contains($"  icl {command} ", run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.All(run.Lines.TakeWhile(l => l != "Examples:"), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }
}

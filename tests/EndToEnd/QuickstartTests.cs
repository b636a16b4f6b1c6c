using System.Diagnostics;
using System.Xml.Linq;

namespace MlNetIcl.EndToEnd;

/// <summary>The main job, as a user starts it: a process, its output in a pipe.</summary>
public sealed class QuickstartTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_InAPipe_TrainsScoresAblatesReadsTextAndReports(bool withSharedFolder)
    {
        string report = Path.Combine(_folder.FullName, "out", "report.html");
        string[] lines = Run(report, withSharedFolder ? null : _folder.FullName);

        Assert.All(lines.SkipLast(1), line => Assert.InRange(line.Length, 0, 80));
        Assert.DoesNotContain(lines, line => line.Contains('\u001b', StringComparison.Ordinal));
        Assert.EndsWith(report, lines[^1], StringComparison.Ordinal);

        // The last checkpoint copies, the first one does not.
        string[] checkpoints = [.. lines.Where(line => line.EndsWith(" %", StringComparison.Ordinal))];
        Assert.InRange(Percent(checkpoints[0]), 0, 15);
        Assert.InRange(Percent(checkpoints[^1]), 95, 100);

        string[] heads = [.. lines.Where(line => line.StartsWith("L0.", StringComparison.Ordinal) || line.StartsWith("L1.", StringComparison.Ordinal))];
        Assert.Equal(8, heads.Length);
        Assert.Contains(heads, line => line.StartsWith("L1.", StringComparison.Ordinal) && line.TrimEnd().EndsWith(" induction", StringComparison.Ordinal));
        Assert.DoesNotContain(heads, line => line.StartsWith("L0.", StringComparison.Ordinal) && line.TrimEnd().EndsWith(" induction", StringComparison.Ordinal));
        Assert.InRange(Accuracy(lines.First(line => line.StartsWith("nothing ", StringComparison.Ordinal))), 0.95, 1);
        Assert.InRange(Accuracy(lines.Single(line => line.StartsWith("all induction heads ", StringComparison.Ordinal))), 0, 0.2);

        if (!withSharedFolder) Assert.Contains(lines, line => line.StartsWith("4 of the 8 heads of 'embedded' are induction heads", StringComparison.Ordinal));
        if (withSharedFolder && Directory.Exists(Path.Combine(Testing.Fixtures.SharedRoot, "models", "smollm2"))) CheckSecondAct(lines);
        else Assert.DoesNotContain(lines, line => line.StartsWith("5 ", StringComparison.Ordinal));
        CheckReport(report);
    }

    /// <summary>Known of SmolLM2-135M, by another implementation and other draws of demonstrations: 0 shots .00, 1 .03, 2 .30, 4 .77, 8 .90 of 30 capitals.</summary>
    private static void CheckSecondAct(string[] lines)
    {
        double Right(string start) => Accuracy(lines.Last(line => line.TrimStart().StartsWith(start, StringComparison.Ordinal)));
        (string Shots, double Known)[] known = [("0 ", 0), ("1 ", 0.03), ("2 ", 0.3), ("4 ", 0.77), ("8 ", 0.9)];
        Assert.All(known, k => Assert.InRange(Right(k.Shots), k.Known - 0.2, k.Known + 0.2));
        Assert.Contains(lines, line => line.StartsWith("12 induction heads ", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void CheckReport(string path)
    {
        var page = XDocument.Parse(File.ReadAllText(path).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        Assert.True(page.Descendants().Count(e => e.Name.LocalName == "svg") >= 4, "Expected the emergence curve, two heatmaps and an attention pattern.");
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName is "src" or "href" && a.Value.Contains(':', StringComparison.Ordinal));
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "script" or "link");
    }

    private static string[] Run(string report, string? shared)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Quickstart.dll"), report])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        if (shared is not null) start.Environment["ICL_SHARED"] = shared;
        else if (!start.Environment.ContainsKey("ICL_SHARED")) start.Environment["ICL_SHARED"] = Path.GetFullPath(Path.Combine(Testing.Fixtures.RepositoryRoot, "..", "shared"));
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((0, ""), (process.ExitCode, error.Result));
        return output.TrimEnd().Split('\n');
    }

    private static double Percent(string line) => Number(line[..^1].TrimEnd());

    private static double Accuracy(string line) => Number(line.TrimEnd());

    private static double Number(string line) => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
}

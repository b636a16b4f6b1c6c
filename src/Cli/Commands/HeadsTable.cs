using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.Heads;

namespace MlNetIcl.Cli.Commands;

/// <summary>Head detection on a terminal of 80 columns: for each kind what was found, then its heads, the strongest first.</summary>
internal static class HeadsTable
{
    // Without --all: the heads with a verdict, at least a few for comparison, at most a screenful.
    private const int Fewest = 3, Most = 12;

    public static void Write(CliHost host, HeadDetectionResult result, bool all)
    {
        var facts = HeadWords.Facts(result).Concat(result.Losses is { } losses ? HeadWords.Facts(losses) : []);
        foreach (var (name, value) in facts) host.Output.WriteLine($"{name,-14}  {value}");
        foreach (var kind in Enum.GetValues<HeadKind>())
        {
            host.Output.WriteLine();
            Terminal.WriteText(host.Output, host.Width, HeadWords.Summary(result, kind));
            WriteKind(host, result, kind, all);
        }
        if (result.Confirmation is { } confirmation) WriteConfirmation(host, confirmation);
        if (!all) host.Output.WriteLine("\nAll heads: --all. Every number with its interval: --json FILE or --html FILE.");
    }

    private static void WriteKind(CliHost host, HeadDetectionResult result, HeadKind kind, bool all)
    {
        string found = HeadVerdicts.Of(kind);
        var heads = HeadWords.ByStrength(result, kind).Where(h => h[kind].Score is not null).ToArray();
        int decided = heads.Count(h => h[kind].Verdict == found || h[kind].Verdict == HeadVerdicts.Weak);
        if (!all) heads = heads[..Math.Min(heads.Length, Math.Clamp(decided, Fewest, Most))];
        if (heads.Length == 0) return;

        bool compared = heads[0][kind].Difference is not null;
        (string, bool)[] columns = compared
            ? [("head", false), ("score", true), ("control", true), ("difference, 95 %", true), ("p", true), ("q", true), ("verdict", false)]
            : [("head", false), ("score, 95 %", true), ("n", true)];
        Terminal.WriteTable(host, columns, heads.Select(head =>
        {
            var m = head[kind];
            IReadOnlyList<string> cells = compared
                ? [head.Name, Score(m.Score), Score(m.Control), HeadWords.Interval(m.Difference, m.DifferenceInterval), Probability(m.P), Probability(m.Q), m.Verdict ?? Numbers.Missing]
                : [head.Name, HeadWords.Interval(m.Score, m.ScoreInterval), Numbers.Count(m.Sequences)];
            return (cells, m.Verdict == found);
        }));
    }

    private static void WriteConfirmation(CliHost host, ConfirmationResult result)
    {
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, ConfirmationWords.Summary(result));
        if (result.Heads.Count == 0) return;
        Terminal.WriteTable(host, [("head", false), ("effect", true), ("control", true), ("specificity, 95 %", true), ("back", true), ("verdict", false)], result.Heads.Select(head =>
        {
            IReadOnlyList<string> cells = [head.Name, Score(head.Effect), ConfirmationWords.Controls(head), HeadWords.Interval(head.Specificity, head.SpecificityInterval), Score(head.GiveBack), head.Verdict];
            return (cells, head.Verdict is ConfirmationVerdicts.Confirmed or ConfirmationVerdicts.ConfirmedJointly);
        }));
        Terminal.WriteText(host.Output, host.Width, "In nats. control: the largest effect of a head without a verdict nearby; back: what the head alone, given back to the jointly ablated ones, mends.");
    }

    private static string Score(double? value) => Numbers.Score(value ?? double.NaN);

    private static string Probability(double? value) => Numbers.Probability(value ?? double.NaN);
}

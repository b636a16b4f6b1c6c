using MlNetIcl.Cli.Hosting;
using MlNetIcl.Probes;
using MlNetIcl.Reports;
using MlNetIcl.Reports.LinearAttention;
using static System.FormattableString;

namespace MlNetIcl.Cli.Commands;

/// <summary>Linear attention on a terminal.</summary>
internal static class LinearTable
{
    public static void Write(CliHost host, LinearAttentionResult result)
    {
        Terminal.WriteFacts(host, LinearAttentionWords.Facts(result));
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, LinearAttentionWords.Summary(result));

        host.Output.WriteLine("\nEqual, but for rounding (largest difference over largest output):");
        Terminal.WriteTable(host, [("attention", false), ("regression", false), ("difference", true), ("heads", true), ("n", true)],
            result.Equality.Equalities.Select(c => Row(LinearAttentionWords.Attention(c), LinearAttentionWords.Regression(c), LinearAttentionWords.Difference(c.RelativeDifference), Numbers.Count(c.Heads), Numbers.Count(c.N))));
        host.Output.WriteLine("\nNot equal (share of attention that no multiple of the regression explains):");
        Terminal.WriteTable(host, [("attention", false), ("regression", false), ("gap, 95 %", true)],
            result.Equality.Comparisons.Where(c => !c.ExpectedEqual).Select(c => Row(LinearAttentionWords.Attention(c), LinearAttentionWords.Regression(c), LinearAttentionWords.Of(c.Gap))));

        foreach (var kind in result.Dynamics.Kinds) WriteDynamics(host, result.Dynamics, kind);
        host.Output.WriteLine();
        Terminal.WriteText(host.Output, host.Width, LinearAttentionWords.Rule);
    }

    private static void WriteDynamics(CliHost host, AttentionDynamicsResult dynamics, KeyQueryResult kind)
    {
        host.Output.WriteLine(kind.Kind == KeyQueryKind.Merged ? "\nMerged keys and queries:" : "\nSeparate keys and queries:");
        Terminal.WriteTable(host, [("seed", true), ("drop", true), ("step", true), ("component", true), ("alignment", true), ("plateau", true), ("closed form", true)],
            kind.Runs.SelectMany(run => run.Drops.Select((drop, i) => Row(
                Invariant($"{run.Seed}"), Invariant($"{i + 1}"), Numbers.Count(drop.Step), LinearAttentionWords.Components(dynamics, drop.Components),
                drop.Alignment is { } alignment ? Numbers.Score(alignment) : Numbers.Missing, Numbers.Score(run.Plateaus[i + 1].Loss), Numbers.Score(run.Plateaus[i + 1].Level)))));
        if (LinearAttentionWords.Unfinished(kind) is { } unfinished) Terminal.WriteText(host.Output, host.Width, unfinished);
    }

    private static (IReadOnlyList<string>, bool) Row(params string[] cells) => (cells, false);
}

using MlNetIcl.Probes;
using MlNetIcl.Reports.Figures;
using MlNetIcl.Reports.InContextRegression;
using MlNetIcl.Reports.Parts;
using static System.FormattableString;

namespace MlNetIcl.Reports.Paradigms;

/// <summary>The comparison of paradigms as a report.</summary>
public static class ParadigmReport
{
    /// <summary>The whole report: what was found, settings, each family, the article's table.</summary>
    public static Report Of(ParadigmResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new("In-context learning, classical learning and meta-learning",
        [
            new("What was measured", new KeyFacts(ParadigmWords.Facts(result)), new Note("Brackets are 95 % intervals over tasks. Errors out of distribution are behind the most examples, with scales divided out. Times are not part of this report, as they differ from run to run; icl paradigms --timings writes them.")),
            .. result.Families.Select(family => new Section(family.Family == RegressionFamily.Linear ? Invariant($"Linear tasks, {family.Dimension} dimensions") : "Sinusoids", Table(result, family), Chart(result, family), Shifted(family))),
            new("What the article says", new Prose("Its table names no experiment. 'Adaptation' and 'cost' depend on what is counted: who adapts without an update has paid in training before."), Article()),
        ])
        {
            Lead = ParadigmWords.Summary(result),
        };
    }

    private static DataTable Table(ParadigmResult result, ParadigmFamilyResult family) => new(
        [new("paradigm"), new("learner"), new("updates to adapt"), new("tasks before", true, "of the same family, in training"), .. result.Options.Shots.Select(k => new Column(Invariant($"error, {k} examples"), true))],
        [.. family.Learners.Select(l => (IReadOnlyList<Cell>)
            [ParadigmWords.Of(l.Paradigm), l.Name, ParadigmWords.Updates(l), Numbers.Count(l.PretrainingTasks), .. l.ByShots.Select(e => (Cell)RegressionWords.Of(e))])]);

    private static LineChart Chart(ParadigmResult result, ParadigmFamilyResult family) => new(
        [.. family.Learners.Select(l => new Series(l.Name, [.. result.Options.Shots.Zip(l.ByShots, (k, e) => new SeriesPoint(k, e.Mean, Math.Max(0, e.Estimate.Interval.Low), e.Estimate.Interval.High))]))])
    {
        Title = "Error by number of examples",
        XName = "examples",
        YName = "error",
        YReaches = [0],
    };

    private static DataTable Shifted(ParadigmFamilyResult family) => new(
        [new("out of distribution"), .. family.Learners.Select(l => new Column(l.Name, true))],
        [.. family.Learners[0].Shifted.Select((s, i) => (IReadOnlyList<Cell>)[s.Shift.Name, .. family.Learners.Select(l => (Cell)RegressionWords.Of(l.Shifted[i].Error))])]);

    private static DataTable Article() => new(
        [new("aspect"), new("classical"), new("meta-learning"), new("in context")],
        [.. ParadigmWords.Article.Select(row => (IReadOnlyList<Cell>)[row.Aspect, row.Classical, row.MetaLearning, row.InContext])]);
}

using MlNetIcl.Probes;
using MlNetIcl.Reports.InContextRegression;
using static System.FormattableString;

namespace MlNetIcl.Reports.Paradigms;

/// <summary>The sentences of the comparison of paradigms, the same on a page, in Markdown and on a terminal.</summary>
public static class ParadigmWords
{
    /// <summary>What the article that this library follows says of the three, row by row: what is compared, classical, meta-learning, in context.</summary>
    public static IReadOnlyList<(string Aspect, string Classical, string MetaLearning, string InContext)> Article { get; } =
    [
        ("parameter updates", "yes", "yes", "no"),
        ("data", "training data", "support set", "prompt"),
        ("adaptation", "poor", "medium", "good"),
        ("cost", "high", "medium", "low"),
        ("generalisation", "within a task", "across tasks", "across tasks"),
    ];

    /// <summary>The name of a paradigm.</summary>
    public static string Of(Paradigm paradigm) => paradigm switch
    {
        Paradigm.Classical => "classical",
        Paradigm.MetaLearning => "meta-learning",
        Paradigm.InContext => "in context",
        _ => throw new ArgumentOutOfRangeException(nameof(paradigm), paradigm, "Expected a known paradigm."),
    };

    /// <summary>The name of a family.</summary>
    public static string Of(RegressionFamily family) => family == RegressionFamily.Linear ? "linear" : "sinusoid";

    /// <summary>What adapting changes: <c>none</c>, <c>5 steps of 1,761 parameters</c>, <c>5 parameters, solved for</c>.</summary>
    public static string Updates(ParadigmLearner learner)
    {
        ArgumentNullException.ThrowIfNull(learner);
        return learner.Updates switch
        {
            0 => "none",
            1 => Invariant($"{Numbers.Count(learner.Parameters)} parameters, solved for"),
            _ => Invariant($"{learner.Updates} steps of {Numbers.Count(learner.Parameters)} parameters"),
        };
    }

    /// <summary>What was found, in a few sentences.</summary>
    public static string Summary(ParadigmResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        int most = result.Options.Shots[^1];
        return string.Join(' ', result.Families.Select(family =>
        {
            string order = string.Join(", ", family.Learners.OrderBy(l => l.ByShots[^1].Mean).Select(l => $"{l.Name} {RegressionWords.Value(l.ByShots[^1])}"));
            string before = string.Join(", ", family.Learners.Where(l => l.PretrainingTasks > 0).Select(l => Invariant($"{l.Name} on {Numbers.Count(l.PretrainingTasks)}")));
            return Invariant($"{(family.Family == RegressionFamily.Linear ? "Linear tasks" : "Sinusoids")}, {most} examples, from the smallest error: {order}; trained before on other tasks of the family: {before}.");
        })) + " The in-context model changes no parameter to adapt.";
    }

    /// <summary>The settings behind the numbers, as names and values.</summary>
    public static IReadOnlyList<(string Name, string Value)> Facts(ParadigmResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var o = result.Options;
        bool linear = o.Families.Contains(RegressionFamily.Linear);
        return
        [
            .. linear ? [("Linear tasks", Invariant($"y = wx, x and w ~ N(0, 1) in {o.Dimension} dimensions; errors divided by {o.Dimension}"))] : Array.Empty<(string, string)>(),
            .. o.Families.Contains(RegressionFamily.Sinusoid) ? [("Sinusoids", "y = A sin(x + phase), A from 0.1 to 5, x from -5 to 5; mean squared errors")] : Array.Empty<(string, string)>(),
            ("Classical", Invariant($"from a task's examples alone: {(linear ? Invariant($"ridge (lambda {Numbers.Brief(o.Lambda)}) on linear tasks, ") : "")}a network of two hidden layers of {o.Hidden} by {o.ScratchSteps} Adam updates")),
            ("Meta-learning", Invariant($"MAML, the same network, {Numbers.Count(o.MetaSteps)} steps of 25 tasks; adapts in {o.InnerSteps} steps with learned step sizes")),
            ("In context", Invariant($"a decoder, {Numbers.Count(o.InContextSteps)} steps of 64 tasks")),
            ("Measured (n)", Invariant($"{Numbers.Count(o.TestTasks)} fresh tasks, the same for all; seed {o.Seed}")),
        ];
    }
}

using MlNetIcl.Models;
using static System.FormattableString;

namespace MlNetIcl.Probes;

/// <summary>Claim 5 on a language model: texts and labels, with some of the demonstrations' labels wrong.</summary>
internal static class LabelNoiseOnText
{
    /// <summary>The case and what was run.</summary>
    public static (LabelNoiseClaim.Case Case, string Ran) Measure(LanguageModel model, string path, ClaimsOptions claims, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var options = new LabelPriorOptions { Demonstrations = claims.Quick ? 8 : 16, Draws = claims.Quick ? 3 : 5, Queries = claims.Quick ? 40 : 200, Seed = claims.Seed };
        var trial = new LabelTrial(model, LabelledTexts.Read(path), options, cancellationToken);
        double[] levels = [0, .. LabelNoiseClaim.Judged, 1];
        var correct = new List<(double, double[])>();
        foreach (double level in levels)
        {
            correct.Add((level, trial.Accuracy(trial.WithWrongLabels(level))));
            progress?.Report((double)correct.Count / levels.Length);
        }
        return (new LabelNoiseClaim.Case(model.Name, correct, 100.0 / trial.Labels.Count),
            Invariant($"{model.Name} on {Path.GetFileName(path)}: {trial.Asked.Length} texts after {options.Demonstrations} demonstrations, {options.Draws} draws, 0, 25, 50 and 100 % wrong."));
    }
}

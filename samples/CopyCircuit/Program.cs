// Trains a two-layer attention-only model from several seeds, then takes its copying circuit apart and gives it back: the article's table.
//   dotnet run --project samples/CopyCircuit [number of seeds] [steps to train at least]
using System.Globalization;
using MlNetIcl.Models;
using MlNetIcl.Models.Training;
using MlNetIcl.Probes;
using MlNetIcl.Reports.Copying;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Bos = 0, Vocabulary = 64, Length = 64, MostSteps = 1000;
const double Copied = 0.98; // of held-out rows: then training stops
int seeds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
int leastSteps = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 0;
ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 2);

var results = new List<CopyAblationResult>();
for (int seed = 1; seed <= seeds; seed++)
{
    using var model = Train(seed, leastSteps, out int steps);
    var result = CopyAblation.Measure(model, new CopyAblationOptions { Period = 28, Seed = seed });
    results.Add(result);
    Console.WriteLine($"seed {seed}: {steps} steps, copies {result.Base.Accuracy:0.00}; previous-token heads {Names(result.PreviousTokenHeads)}; induction heads {Names(result.InductionHeads)}");
}

Console.WriteLine($"\nMeans over {seeds} seeds, with 95 % intervals over seeds (bootstrap, BCa); n is the number of seeds that have such a row");
Console.WriteLine($"{"",-27} {"copy accuracy",-20} {"change, %",-24} {"article, %",-11} n  change of each seed, %");
Print("whole model", [.. results.Select(r => r.Base.Accuracy)], [], null);
foreach (var intervention in Enum.GetValues<CopyIntervention>())
{
    var rows = results.Where(r => r.Copies).Select(r => r.Rows.Where(row => row.Intervention == intervention).ToArray()).Where(r => r.Length > 0).ToArray();
    if (rows.Length < 2) continue;
    bool isOfHeads = rows[0][0].Head is not null; // of those the one that restores most
    CopyAblationRow[] chosen = [.. rows.Select(r => r.MaxBy(row => row.Measure.Accuracy)!)];
    string name = intervention switch
    {
        CopyIntervention.RestoreHead => "best single head back",
        CopyIntervention.RestoreHeadBesideOtherSet => "best head, other kind back",
        _ => CopyAblationWords.Of(chosen[0]),
    };
    Print(name, [.. chosen.Select(r => r.Measure.Accuracy)], [.. chosen.Select(r => r.RelativeChange!.Value)], isOfHeads ? null : chosen[0].Claim);
}
Console.WriteLine("\n'back' is after both kinds were switched off: both back is the whole model, one kind back is the other kind off, by construction.");

// Rows are BOS and a period of 8 to 31 random tokens that repeats; every 50 steps held-out rows say whether it copies.
static LanguageModel Train(int seed, int least, out int steps)
{
    var config = new DecoderConfig { Layers = 2, DModel = 64, Heads = 4, Vocabulary = Vocabulary, Context = Length, Positions = PositionEncoding.Shortformer, BosTokenId = Bos };
    var rows = new RepeatedSequenceOptions { Tokens = [.. Enumerable.Range(1, Vocabulary - 1)], BosTokenId = Bos, Lengths = [Length] };
    using var trainer = new DecoderTrainer(config, new RepeatedSequenceData(rows, seed), new TrainingOptions { Seed = seed });
    set_num_threads(1); // the matrices are small: a second thread would mostly wait
    double copied = 0;
    while (trainer.StepsDone < least || (copied < Copied && trainer.StepsDone < MostSteps)) trainer.Train(trainer.StepsDone + 50, progress => copied = progress.Copying?.CopyAccuracy ?? copied);
    steps = trainer.StepsDone;
    return trainer.ToModel($"seed {seed}");
}

static void Print(string name, double[] accuracies, double[] changes, double? claim)
{
    string change = changes.Length == 0 ? "" : Interval([.. changes.Select(c => 100 * c)], "0.0");
    string own = string.Join(" ", changes.Select(c => (100 * c).ToString("0.0", CultureInfo.InvariantCulture)));
    Console.WriteLine($"{name,-27} {Interval(accuracies, "0.000"),-20} {change,-24} {(claim is { } c ? (100 * c).ToString("0", CultureInfo.InvariantCulture) : ""),-11} {accuracies.Length}  {own}".TrimEnd());
}

static string Interval(double[] values, string format)
{
    var (low, high) = new BootstrapInterval(values.Length, seed: 0).OfMean(values);
    return string.Join(' ', values.Average().ToString(format, CultureInfo.InvariantCulture), $"[{low.ToString(format, CultureInfo.InvariantCulture)}, {high.ToString(format, CultureInfo.InvariantCulture)}]");
}

static string Names(IEnumerable<HeadId> heads) => string.Join(" ", heads);

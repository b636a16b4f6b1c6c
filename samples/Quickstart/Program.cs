// Trains a small model while you watch, finds its induction heads, switches them off, runs an ML.NET pipeline over real text, asks
// a real language model where one is at hand, and writes a report:  dotnet run --project samples/Quickstart [report.html]
using MlNetIcl.Models;
using MlNetIcl.Quickstart;

var screen = new Screen();
using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    cancellation.Cancel();
};
try
{
    screen.Title("In-context learning, from the inside");

    screen.Heading("1", "Train two attention layers on random tokens that repeat");
    using var training = LiveTraining.Run(screen, cancellation.Token);

    screen.Heading("2", "Score every head: where does it look when a token comes back?");
    var heads = HeadScan.Run(screen, training.Model, cancellation.Token);

    screen.Heading("3", "Switch heads off: which ones does copying need?");
    var ablations = HeadAblation.Run(screen, training, heads, cancellation.Token);

    screen.Heading("4", "Real text, as an ML.NET pipeline");
    var text = RealText.Run(screen);

    var real = SecondAct.Run(screen, cancellation.Token);

    using var embedded = LanguageModel.LoadEmbedded();
    string path = Path.GetFullPath(args.Length > 0 ? args[0] : Path.Combine("artifacts", "quickstart.html"));
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    QuickstartReport.Of(training, heads, ablations, text, embedded, real).SaveHtml(path, cancellation.Token);
    screen.Done($"The report, one file to open in a browser: {path}");
    return 0;
}
catch (OperationCanceledException)
{
    screen.Note("Stopped.");
    return 1;
}

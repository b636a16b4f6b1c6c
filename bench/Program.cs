using System.Globalization;
using BenchmarkDotNet.Running;
using MlNetIcl.Bench;
using Spectre.Console;

// dotnet run -c Release --project bench              every claim, side by side
// dotnet run -c Release --project bench -- NAME      one group: heads, batching, memory, patching, gguf, onnx, training
// dotnet run -c Release --project bench -- micro     BenchmarkDotNet on the statistics and the tokenizer
// Exit code 1 where a ratio misses its claim.
if (args is ["peak", var contender])
{
    PeakMemory.Measure(contender);
    return 0;
}
if (args is ["micro", .. var rest])
{
    BenchmarkSwitcher.FromTypes([typeof(Statistics), typeof(Tokenization)]).Run(rest.Length == 0 ? ["--filter", "*"] : rest);
    return 0;
}

(string Name, Func<IEnumerable<Claim>> Run)[] groups =
    [("heads", HeadScoring.Run), ("batching", Batching.Run), ("memory", PeakMemory.Run), ("patching", Patching.Run), ("gguf", Dequantisation.Run), ("onnx", OnnxScoring.Run), ("training", Training.Run)];
if (args.Length > 1 || (args is [var name] && !groups.Any(g => g.Name == name)))
{
    Console.Error.WriteLine($"Expected no argument, 'micro' or one of {string.Join(", ", groups.Select(g => g.Name))}; got '{string.Join(' ', args)}'.");
    return 2;
}

var table = new Table().AddColumns("Claim", "Measured", "Asked for", "Held");
bool held = true;
foreach (var group in groups.Where(g => args.Length == 0 || g.Name == args[0]))
    foreach (var claim in group.Run())
    {
        held &= claim.Held;
        table.AddRow(Markup.Escape(claim.Name), claim.Measured.ToString(claim.Measured < 0.01 ? "g2" : "0.###", CultureInfo.InvariantCulture),
            $"{(claim.AtLeast ? "at least" : "at most")} {claim.Bound.ToString(CultureInfo.InvariantCulture)}", claim.Held ? "yes" : "NO");
    }
AnsiConsole.Write(table);
return held ? 0 : 1;

// Which station of a plant infects which? Rows of states, eight stations each; the graph is learned from the rows, and each row says how strongly it speaks for each edge.
//   dotnet run --project samples/CausalGraph [folder for the report]
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Probes;
using MlNetIcl.Reports.CausalGraphs;
using MlNetIcl.Samples;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var ml = new MLContext(seed: 1);
var truth = new CausalGraph([[], [0], [0], [2], [], [4], [1], [6]]);
var data = ml.Data.LoadFromEnumerable(Plant.Rows(truth, count: 1500, seed: 7));

var pipeline = ml.Transforms.Conversion.MapValueToKey("Tokens", nameof(Plant.States)).Append(ml.Transforms.ProbeCausalGraph("Edges", "Tokens"));
var model = pipeline.Fit(data);
var reading = model.LastTransformer.Reading;

Console.WriteLine(CausalGraphReadingReport.Summary(reading));
Console.WriteLine($"In truth:  {string.Join(", ", truth.Edges)}.");
Console.WriteLine("\nstation  parent  gain, nats a row");
foreach (var child in reading.Evidence)
    Console.WriteLine($"{child.Child,7}  {(reading.Graph.Parents[child.Child] is [var parent] ? parent.ToString() : "none"),6}  {child.Gain.Value,5:0.000} [{child.Gain.Interval.Low:0.000}, {child.Gain.Interval.High:0.000}]");

// It saves and loads as any pipeline; no model file is needed.
using var file = new MemoryStream();
ml.Model.Save(model, data.Schema, file);
file.Position = 0;
var loaded = ml.Model.Load(file, out _);
var column = loaded.GetOutputSchema(data.Schema)["Edges"];
VBuffer<ReadOnlyMemory<char>> slots = default;
column.GetSlotNames(ref slots);
float[] first = loaded.Transform(data).GetColumn<float[]>("Edges").First();
Console.WriteLine($"\nThe first row speaks most for: {string.Join(", ", slots.DenseValues().Zip(first).OrderByDescending(s => s.Second).Take(4).Select(s => $"{s.First} {s.Second:0.00}"))}.");

string folder = Directory.CreateDirectory(args.Length > 0 ? args[0] : "artifacts").FullName;
File.WriteAllText(Path.Combine(folder, "plant.dot"), CausalGraphDot.ToText(reading.Map, reading.Graph));
CausalGraphReadingReport.Of(reading).SaveHtml(Path.Combine(folder, "plant.html"));
Console.WriteLine($"\nWrote plant.html and plant.dot (for Graphviz) to {folder}.");

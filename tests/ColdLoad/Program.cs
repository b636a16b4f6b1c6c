using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

// Loads a saved pipeline and prints the bits of every vector of numbers that it makes. It names no type of this library: the
// pipeline's own file leads ML.NET to the stages.
var ml = new MLContext();
var pipeline = ml.Model.Load(args[0], out _);
var rows = JsonSerializer.Deserialize<Row[]>(File.ReadAllText(args[1]))!;
var view = pipeline.Transform(ml.Data.LoadFromEnumerable(rows));

var columns = view.Schema.Where(c => !c.IsHidden && c.Type is VectorDataViewType { ItemType: NumberDataViewType item } && item == NumberDataViewType.Single && c.Name is not ("Features" or "DemonstrationFeatures" or "DemonstrationLabels")).ToList();
using (var cursor = view.GetRowCursor(columns))
{
    var getters = columns.Select(c => (c.Name, Get: cursor.GetGetter<VBuffer<float>>(c))).ToList();
    var value = default(VBuffer<float>);
    while (cursor.MoveNext())
        foreach (var (name, get) in getters)
        {
            get(ref value);
            string bits = string.Join(' ', value.DenseValues().Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8", CultureInfo.InvariantCulture)));
            Console.WriteLine($"{cursor.Position} {name} {bits}");
        }
}
if (view.Schema.GetColumnOrNull("Score") is { } score)
{
    using var cursor = view.GetRowCursor([score]);
    var get = cursor.GetGetter<float>(score);
    float value = 0;
    while (cursor.MoveNext())
    {
        get(ref value);
        Console.WriteLine($"{cursor.Position} Score {BitConverter.SingleToInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture)}");
    }
}
((IDisposable)pipeline).Dispose();

internal sealed class Row
{
    public string Prompt { get; set; } = "";

    public int[] Tokens { get; set; } = [];

    public int[] Corrupted { get; set; } = [];

    public int Answer { get; set; }

    public int Foil { get; set; }

    [VectorType(3)]
    public float[] Features { get; set; } = new float[3];

    public float[] DemonstrationFeatures { get; set; } = [];

    public float[] DemonstrationLabels { get; set; } = [];
}

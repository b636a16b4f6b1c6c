using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetIcl.Models;
using MlNetIcl.Testing;

namespace MlNetIcl.Bench;

/// <summary>
/// Head scores of an ONNX graph of GPT-2 small's shape: in batches, on the part of the graph that the weights need, against ML.NET's ApplyOnnxModel on
/// the graph with the weights as outputs, which runs whole, a row at a time.
/// </summary>
internal static class OnnxScoring
{
    private const int Rows = 32, Length = 32, Period = 16;

    public static IEnumerable<Claim> Run()
    {
        string folder = Directory.CreateTempSubdirectory("mlneticl-bench-").FullName;
        try
        {
            string path = Path.Combine(folder, "gpt2.onnx"), exposed = Path.Combine(folder, "exposed.onnx");
            using (var decoder = Gpt2Small.Create()) OnnxExport.Write(decoder, path, new() { Mask = true });
            var found = OnnxFile.ExposeAttention(path, exposed);
            int[][] rows = [.. Gpt2Small.Rows(Rows, Period).Rows.Select(row => (int[])[.. row, .. row])];
            using var graph = LanguageModel.Load(path);
            var tokens = new TokenBatch(rows);
            var (ml, view) = Stock(exposed, found, rows);
            double[] ours = [], theirs = [];
            var ms = SideBySide.Medians($"Head scores, ONNX graph of GPT-2-small shape, {Rows} rows of {Length} tokens", 5,
                ("ApplyOnnxModel, row by row", () => theirs = Read(view, found)),
                ("in batches, the graph cut after the last weights", () => ours = HeadScoring.Plan(graph, tokens)));
            yield return new("ApplyOnnxModel / batches, time", ms[0] / ms[1], 2, AtLeast: true);
            yield return new("largest score difference, ApplyOnnxModel and batches", ours.Zip(theirs, (a, b) => Math.Abs(a - b)).Max(), 1e-5, AtLeast: false);
            GC.KeepAlive(ml);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (MLContext, IDataView) Stock(string path, IReadOnlyList<ExposedAttention> found, int[][] rows)
    {
        var ml = new MLContext(seed: 1);
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["input_ids"].ColumnType = schema["attention_mask"].ColumnType = new VectorDataViewType(NumberDataViewType.Int64, Length);
        var data = ml.Data.LoadFromEnumerable(rows.Select(row => new Row { Ids = [.. row.Select(id => (long)id)], Mask = [.. row.Select(_ => 1L)] }), schema);
        var shapes = new Dictionary<string, int[]> { ["input_ids"] = [1, Length], ["attention_mask"] = [1, Length] };
        return (ml, ml.Transforms.ApplyOnnxModel([.. found.Select(f => f.Output)], ["input_ids", "attention_mask"], path, shapes, gpuDeviceId: null, fallbackToCpu: false).Fit(data).Transform(data));
    }

    /// <summary>[layer * head]: induction scores, means over rows, as <see cref="HeadScoring.Plan"/> gives them for rows that repeat once.</summary>
    private static double[] Read(IDataView view, IReadOnlyList<ExposedAttention> found)
    {
        var columns = found.Select(f => view.Schema[f.Output]).ToArray();
        double[] scores = new double[found.Count * Gpt2Small.Config.Heads];
        using var cursor = view.GetRowCursor(columns);
        var getters = columns.Select(cursor.GetGetter<VBuffer<float>>).ToArray();
        var buffer = default(VBuffer<float>);
        while (cursor.MoveNext())
            for (int layer = 0; layer < getters.Length; layer++)
            {
                getters[layer](ref buffer);
                var pattern = buffer.GetValues(); // [head, query, key]
                for (int head = 0; head < Gpt2Small.Config.Heads; head++)
                {
                    double sum = 0;
                    for (int query = Period; query < Length; query++) sum += pattern[((head * Length) + query) * Length + query - Period + 1];
                    scores[(layer * Gpt2Small.Config.Heads) + head] += sum / Period / Rows;
                }
            }
        return scores;
    }

    private sealed class Row
    {
        [ColumnName("input_ids")]
        public long[] Ids { get; set; } = [];

        [ColumnName("attention_mask")]
        public long[] Mask { get; set; } = [];
    }
}

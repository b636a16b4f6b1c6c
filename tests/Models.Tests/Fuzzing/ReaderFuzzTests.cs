using System.Diagnostics;
using System.Globalization;
using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Gguf.Tokenization;
using MlNetIcl.Models.Loading;
using MlNetIcl.Models.Onnx;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Models.Tests.Gguf;
using MlNetIcl.Testing;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Fuzzing;

/// <summary>
/// Whatever happens to a file, a reader gives what the file promises or one of our errors, soon and in little memory. The variable
/// <c>MLNETICL_FUZZ</c> sets the number of files, as <c>1000000</c>, which takes about ten minutes, or the first and how many, as <c>4711+1</c>.
/// </summary>
public unsafe class ReaderFuzzTests(ITestOutputHelper output)
{
    private const int UsualFiles = 10_000;
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5); // of a busy machine; milliseconds are usual

    private static (int First, int Count) Files
    {
        get
        {
            int[] numbers = [.. (Environment.GetEnvironmentVariable("MLNETICL_FUZZ") ?? "").Split('+', StringSplitOptions.RemoveEmptyEntries).Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
            return numbers switch { [] => (0, UsualFiles), [var count] => (0, count), [var first, var count, ..] => (first, count) };
        }
    }

    [Fact]
    public void Gguf_ChangedFiles_AreReadOrRefused()
    {
        var seeds = new List<byte[]> { File.ReadAllBytes(Fixtures.Path("gguf", "bad", "ok.gguf")) };
        foreach (string type in new[] { "Q4_0", "Q3_K", "IQ4_XS", "F16" }) seeds.Add(File.ReadAllBytes(Fixtures.Path("gguf", "types", type + ".gguf")));
        using (var copy = new GgufCopy("qwen3", "qwen3").Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "qwen2").Set("tokenizer.ggml.tokens", new[] { "a", "b", "ab", "<x>" })
            .Set("tokenizer.ggml.token_type", new[] { 1, 1, 1, 3 }).Set("tokenizer.ggml.merges", new[] { "a b" }).Set("tokenizer.chat_template", "{{ x }}"))
        {
            copy.Writer.Save(copy.Path);
            seeds.Add(File.ReadAllBytes(copy.Path));
        }
        float[] values = new float[1 << 16];
        Fuzz(new(seeds), stream =>
        {
            using var file = GgufFile.Open(stream, "fuzz");
            foreach (var tensor in file.Tensors.Values)
            {
                long elements = Math.Min(tensor.Elements, values.Length);
                if (!GgufTypes.IsReadable(tensor.Type) || elements == 0) continue;
                fixed (float* target = values) file.Decode(tensor, 0, elements, (byte*)target, ScalarType.Float32);
            }
            Try(() => GgufTokenizer.Read(file)?.Tokenize("a b<x>"));
            Try(() => WeightReader.Check(new GgufWeights(file), GgufArchitecture.Read(file)));
        });
    }

    [Fact]
    public void Safetensors_ChangedFiles_AreReadOrRefused()
    {
        byte[][] seeds = [File.ReadAllBytes(Fixtures.Path("families", "llama", "model.safetensors")), File.ReadAllBytes(Fixtures.Path("families", "gpt2", "model.safetensors"))];
        Fuzz(new(seeds), stream =>
        {
            using var file = SafetensorsFile.Open(stream, "fuzz");
            foreach (string name in file.Tensors.Keys) Assert.True(SafetensorsFile.AreSame(file, name, file, name));
        });
    }

    [Fact]
    public void Onnx_ChangedFiles_AreReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        var config = new DecoderConfig { Layers = 1, DModel = 4, Heads = 2, DHead = 8, DMlp = 4, Vocabulary = 5, Context = 4, Positions = PositionEncoding.Learned, Activation = ActivationKind.Relu };
        using var decoder = RandomModels.Create(config);
        OnnxStyle[] styles = [new() { Mask = true }, new() { Past = true, Mask = true, Merged = true }, new() { Attention = "MultiHeadAttention" }, new() { Attention = "einsum", External = true, Opset = 13 }];
        var seeds = new List<byte[]> { File.ReadAllBytes(Fixtures.Path("onnx", "mlp.onnx")) };
        foreach (var style in styles)
        {
            OnnxExport.Write(decoder, folder.File("fuzz"), style);
            seeds.Add(File.ReadAllBytes(folder.File("fuzz")));
        }
        Fuzz(new(seeds), stream =>
        {
            using var model = OnnxModel.Parse(stream, folder.File("fuzz"));
            Try(() =>
            {
                var graph = Branches.Resolve(model.Graph);
                var flow = new Dataflow(graph);
                var layers = AttentionFinder.Find(model, flow);
                var surgery = new Surgery(model, graph, layers);
                string[] values = [.. layers.Select(l => l.Pattern), .. layers.Select(l => l.Output)];
                var cut = surgery.Extract(values, [.. layers.Select((_, i) => Site.Z(i))]);
                OnnxInputs.Of("fuzz", surgery.Extract(values, []), flow);
                model.Write(cut).ToArray();
                model.Write(surgery.Exposed(_ => 4).Graph).ToArray();
            });
        });
    }

    private static void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception error) when (error is ModelFormatException or UnsupportedModelException)
        {
            // Refused; another step may still be taken.
        }
    }

    private void Fuzz(Mutations mutations, Action<UnmanagedMemoryStream> read)
    {
        byte[] room = GC.AllocateArray<byte>(mutations.Longest, pinned: true);
        var (first, count) = Files;
        int opened = 0, refused = 0;
        var slowest = TimeSpan.Zero;
        long largest = 0;
        fixed (byte* start = room)
        {
            for (int number = first; number < first + count; number++)
            {
                int length = mutations.Make(number, room);
                if (length == 0) continue;
                var (isOpened, time, bytes) = Read(start, length, number, read);
                // The machine may have been elsewhere for a while; a slow file is slow again.
                if (time > MostTime) (isOpened, time, bytes) = Read(start, length, number, read);
                if (isOpened) opened++;
                else refused++;
                (slowest, largest) = (time > slowest ? time : slowest, Math.Max(bytes, largest));
                Assert.True(bytes <= MostBytes, $"File {number} took {bytes} bytes.");
                Assert.True(time <= MostTime, $"File {number} took {time}.");
            }
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{opened} read, {refused} refused; slowest {slowest.TotalMilliseconds:F1} ms, largest {largest / 1024} KiB."));
        Assert.True(count < UsualFiles || (opened > count / 20 && refused > count / 10), $"{opened} read, {refused} refused: the changes are too small or too large.");
    }

    private static (bool IsOpened, TimeSpan Time, long Bytes) Read(byte* start, int length, int number, Action<UnmanagedMemoryStream> read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread(), clock = Stopwatch.GetTimestamp();
        bool isOpened = true;
        try
        {
            using var stream = new UnmanagedMemoryStream(start, length);
            read(stream);
        }
        catch (Exception error) when (error is ModelFormatException or UnsupportedModelException)
        {
            isOpened = false;
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"File {number}: {error.Message}", error);
        }
        return (isOpened, Stopwatch.GetElapsedTime(clock), GC.GetAllocatedBytesForCurrentThread() - before);
    }
}

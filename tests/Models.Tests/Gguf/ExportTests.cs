using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;

namespace MlNetIcl.Models.Tests.Gguf;

public class ExportTests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Fixtures.Path("gguf", "types"), "*.gguf").Select(file => Path.GetFileName(file)!)];

    [Theory]
    [MemberData(nameof(Files))]
    public void ExportSafetensors_FileOfATensorType_HoldsTheReferencesBits(string name)
    {
        using var folder = new TemporaryFolder();
        using (var file = GgufFile.Open(Fixtures.Path("gguf", "types", name))) file.ExportSafetensors(folder.File("out.safetensors"));
        using SafetensorsFile written = SafetensorsFile.Open(folder.File("out.safetensors")), expected = SafetensorsFile.Open(Fixtures.Path("gguf", "types", "expected.safetensors"));

        Assert.NotEmpty(written.Tensors);
        Assert.All(written.Tensors.Keys, tensor => Assert.True(SafetensorsFile.AreSame(written, tensor, expected, tensor), tensor));
        Assert.Equal(["out.safetensors"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void ExportSafetensors_Cancelled_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", "Q4_K.gguf"));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        Assert.Throws<OperationCanceledException>(() => file.ExportSafetensors(folder.File("out.safetensors"), null, cancelled.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void ExportSafetensors_Progress_EndsAtOne()
    {
        using var folder = new TemporaryFolder();
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", "Q6_K.gguf"));
        var shares = new List<double>();
        file.ExportSafetensors(folder.File("out.safetensors"), new Shares(shares));

        Assert.Equal(file.Tensors.Count, shares.Count);
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(1, shares[^1], 12);
    }

    private sealed class Shares(List<double> list) : IProgress<double>
    {
        public void Report(double value) => list.Add(value);
    }
}

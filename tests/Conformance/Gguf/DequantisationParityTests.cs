using MlNetIcl.Models.Gguf;
using MlNetIcl.Models.Safetensors;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>Every tensor type against gguf-py, bit for bit.</summary>
public sealed class DequantisationParityTests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Fixtures.Path("gguf", "types"), "*.gguf").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Read_AsFloat32_GivesTheReferencesBits(string name)
    {
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", name));
        using var expected = SafetensorsFile.Open(Fixtures.Path("gguf", "types", "expected.safetensors"));
        Assert.NotEmpty(file.Tensors);
        foreach (var (tensor, entry) in file.Tensors)
        {
            using Tensor value = file.Read(tensor), reference = expected.Read(tensor);
            Assert.Equal(reference.shape, value.shape);
            Assert.Equal(entry.Shape, value.shape);
            Assert.True(value.bytes.SequenceEqual(reference.bytes), $"{tensor} differs in its bits");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Read_AsBFloat16_GivesWhatTorchRoundsTheReferenceTo(string name)
    {
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", name));
        using var expected = SafetensorsFile.Open(Fixtures.Path("gguf", "types", "expected.safetensors"));
        foreach (string tensor in file.Tensors.Keys)
        {
            using Tensor value = file.Read(tensor, ScalarType.BFloat16), reference = expected.Read(tensor, ScalarType.BFloat16);
            Assert.True(value.bytes.SequenceEqual(reference.bytes), $"{tensor} differs in its bits");
        }
    }
}

using MlNetIcl.Models.Gguf;
using static TorchSharp.torch;

namespace MlNetIcl.Models.Tests.Gguf;

public unsafe class DequantizerTests
{
    public static TheoryData<string> Types => [.. GgufTypes.Readable.Split(", ")];

    [Theory]
    [MemberData(nameof(Types))]
    public void Decode_RandomBlocks_GivesTheBitsOfTheNaiveDecoder(string name)
    {
        var type = GgufTypes.Named(name);
        int blocks = type.BlockElements == 1 ? 100_003 : 70_400 / type.BlockElements; // more than one thread's portion; a rest for floats
        byte[] source = new byte[blocks * type.BlockBytes];
        new Random(17).NextBytes(source);
        float[] values = new float[blocks * type.BlockElements];

        fixed (byte* from = source)
        fixed (float* to = values) Dequantizer.Decode(type, from, values.Length, (byte*)to, ScalarType.Float32);

        for (int i = 0; i < values.Length; i++)
        {
            float expected = NaiveDecoder.Value(name, source.AsSpan(i / type.BlockElements * type.BlockBytes, type.BlockBytes), i % type.BlockElements);
            // Random scales may be infinite; which of the many NaN comes of it is nobody's concern.
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(values[i]), $"value {i} is {values[i]}, expected NaN");
            else Assert.True(BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(values[i]), $"value {i} is {values[i]:R}, expected {expected:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Decode_ToBFloat16_RoundsToTheNearest(string name)
    {
        var type = GgufTypes.Named(name);
        int blocks = type.BlockElements == 1 ? 1003 : 25_600 / type.BlockElements;
        byte[] source = new byte[blocks * type.BlockBytes];
        new Random(18).NextBytes(source);
        float[] values = new float[blocks * type.BlockElements];
        ushort[] rounded = new ushort[values.Length];

        fixed (byte* from = source)
        fixed (float* to = values)
        fixed (ushort* toRounded = rounded)
        {
            Dequantizer.Decode(type, from, values.Length, (byte*)to, ScalarType.Float32);
            Dequantizer.Decode(type, from, values.Length, (byte*)toRounded, ScalarType.BFloat16);
        }

        using Tensor whole = tensor(values), expected = whole.to(ScalarType.BFloat16).to(ScalarType.Float32);
        float[] reference = expected.data<float>().ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            float actual = BitConverter.Int32BitsToSingle(rounded[i] << 16);
            Assert.True(reference[i].Equals(actual), $"value {i}, {values[i]:R}, is {actual:R}, expected {reference[i]:R}");
        }
    }

    [Fact]
    public void Decode_TypeThatIsNotRead_IsRefusedByName()
    {
        byte[] block = new byte[66];
        float[] values = new float[256];
        fixed (byte* from = block)
        fixed (float* to = values)
        {
            nint source = (nint)from, target = (nint)to;
            Assert.Contains("IQ2_XXS", Assert.Throws<UnsupportedModelException>(() => Dequantizer.Decode(GgufTypes.Named("IQ2_XXS"), (byte*)source, 256, (byte*)target, ScalarType.Float32)).Message, StringComparison.Ordinal);
        }
    }
}

namespace MlNetIcl.Probes.Tests.Priors;

public class LabelledTextsTests
{
    [Fact]
    public void Read_TabsWithQuotes_KeepsThemAsText()
    {
        var texts = Read("review\tpositive\nThe \"best\", ever\t1\r\nBad\t0\n\nEmpty: \t0\n");

        Assert.Equal(["The \"best\", ever", "Bad", "Empty:"], texts.Texts);
        Assert.Equal(["0", "1"], texts.LabelNames);
        Assert.Equal([1, 0, 0], texts.Labels);
    }

    [Fact]
    public void Read_QuotedCells_MayHoldCommasQuotesAndLines()
    {
        var texts = Read("\uFEFFlabel,text\nb,\"one, \"\"two\"\"\nthree\"\na,four");

        Assert.Equal(["b", "a"], texts.Texts); // the first column, unless another is named
        texts = Read("label,text\nb,\"one, \"\"two\"\"\nthree\"\na,four", "text", "label");
        Assert.Equal(["one, \"two\"\nthree", "four"], texts.Texts);
        Assert.Equal((1, 0), (texts.Labels[0], texts.Labels[1]));
    }

    [Theory]
    [InlineData("text\tlabel\na\t1\n", "2 to 100")]
    [InlineData("text\tlabel\na\n", "expected 2 cells")]
    [InlineData("text,label\n\"a,1\n", "does not end")]
    [InlineData("text,label", "no row")]
    [InlineData("text\na\n", "both text and label")]
    public void Read_DamagedTable_IsRefused(string content, string why) =>
        Assert.Contains(why, Assert.Throws<InvalidDataException>(() => Read(content)).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_UnknownColumn_NamesThoseThereAre() =>
        Assert.Contains("it has text, label", Assert.Throws<InvalidDataException>(() => Read("text,label\na,b\n", "body")).Message, StringComparison.Ordinal);

    private static LabelledTexts Read(string content, string? text = null, string? label = null)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, content);
            return LabelledTexts.Read(path, text, label);
        }
        finally
        {
            File.Delete(path);
        }
    }
}

namespace MlNetIcl.Probes.Tests.Claims;

public class LabellingTaskTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(0.25, 4)]
    [InlineData(0.5, 8)]
    public void Draw_ShareOfWrongLabels_IsExact(double wrong, int items)
    {
        var rows = LabellingTask.Draw(new SeededRandom(3, RandomStream.Labelling), 50, wrong, items);
        int damaged = 0, known = 0;
        for (int i = 0; i < rows.Tokens.Length; i++)
        {
            int[] row = rows.Tokens[i];
            Assert.Equal(2 + (2 * LabellingTask.Shots), row.Length);
            var labels = Enumerable.Range(0, LabellingTask.Shots).Where(s => row[1 + (2 * s)] == row[^1]).Select(s => row[2 + (2 * s)] - 1).ToArray();
            known += labels.Length;
            damaged += labels.Count(l => l != rows.Truth[i]);
            if (labels.Length > 0) Assert.Equal(labels.GroupBy(l => l).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().Key, rows.Vote[i]);
        }
        Assert.InRange((double)damaged / known, wrong - 0.12, wrong + 0.12); // the exact share is that of the row, not of the query's item
        if (wrong == 0) Assert.Equal(0, damaged);
    }
}
